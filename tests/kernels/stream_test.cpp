// The CPU's stream: every task once, and slots that no two tasks have at the same time.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "kernels/cpu/stream.hpp"

using abr::Index;

TEST_CASE("stream: every task runs once, in a slot of its own, whatever the number of threads and tasks") {
    for (const int threads : {1, 2, 3, 7}) {
        abr::cpu::Stream stream(threads);
        for (const Index count : {Index{0}, Index{1}, Index{2}, Index{5}, Index{16}, Index{333}}) {
            CAPTURE(threads);
            CAPTURE(count);
            std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
            std::vector<std::atomic<int>> tenants(static_cast<std::size_t>(threads));
            std::atomic<int> shared{0}, outside{0};
            stream.parallel_for(count, [&](Index i, Index slot) {
                if (slot < 0 || slot >= std::min<Index>(count, threads)) {
                    ++outside;
                    return;
                }
                auto& tenant = tenants[static_cast<std::size_t>(slot)];
                if (++tenant > 1) ++shared;
                // Long enough for the other threads to come in.
                for (int spin = 0; spin < 2000; ++spin) runs[static_cast<std::size_t>(i)].load();
                ++runs[static_cast<std::size_t>(i)];
                --tenant;
            });
            CHECK(shared == 0);
            CHECK(outside == 0);
            CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& n) { return n == 1; }));
        }
    }
}
