// The same bits whatever the order of threads and blocks.
#pragma once

#include "tests/cuda/target.hpp"
#include "tests/kernels/on_backend.hpp"

namespace abr::test {

// Problem(c).every_pass(stream) writes what check_same_bits() compares.
template <class Problem, class Case>
void check_every_schedule(const std::vector<Case>& cases) {
    cuda::Stream stream;
    for (const Case& c : cases) {
        Problem first(c);
        first.every_pass(stream);
        for_each_schedule([&] {
            Problem again(c);
            again.every_pass(stream);
            again.check_same_bits(first);
            again.check_sentinels();
        });
    }
}

}  // namespace abr::test
