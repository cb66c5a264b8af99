// What the machine gives at most, for the shares that bench_kernels prints.
#pragma once

#include <string>

#include "kernels/cpu/stream.hpp"

namespace abr::bench {

struct Ceilings {
    double flop_per_second =
        0;  // a large float matrix product, 2 FLOP a multiply-add, on all threads of the stream
    double bytes_per_second = 0;  // a large copy on them, each byte counted once read and once written
    std::string product_by;       // the library that multiplied
};

// Takes about two seconds. The best of several rounds: what disturbs a round only makes it slower.
Ceilings measure_ceilings(cpu::Stream&);

}  // namespace abr::bench
