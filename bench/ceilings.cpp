#include "bench/ceilings.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>

#ifdef ABR_OPENBLAS
#define EIGEN_USE_BLAS
extern "C" void openblas_set_num_threads(int);
#endif
#include <Eigen/Core>

#include "kernels/cpu/buffer.hpp"

namespace abr::bench {
namespace {

constexpr Index kRows = 256, kInner = 1024, kColumns = 1024;  // of a task's product: 5 MiB of operands
constexpr Index kCopied = Index{128} << 20;                   // bytes, beyond any cache
// Spent on each ceiling, in rounds of some milliseconds: one of them will be left undisturbed.
constexpr double kSeconds = 1;

template <class Round>
double best_seconds(const Round& round) {
    using Clock = std::chrono::steady_clock;
    const auto since = [](Clock::time_point t) {
        return std::chrono::duration<double>(Clock::now() - t).count();
    };
    double best = std::numeric_limits<double>::infinity();
    for (const auto begin = Clock::now(); since(begin) < kSeconds;) {
        const auto start = Clock::now();
        round();
        best = std::min(best, since(start));
    }
    return best;
}

}  // namespace

Ceilings measure_ceilings(cpu::Stream& stream) {
    Ceilings ceilings;
#ifdef ABR_OPENBLAS
    // The stream's threads are the parallelism; the library's own would fight them.
    openblas_set_num_threads(1);
    ceilings.product_by = "OpenBLAS";
#else
    ceilings.product_by = "Eigen";
#endif
    const Index tasks = stream.threads();
    using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const RowMajor a = RowMajor::Constant(tasks * kRows, kInner, 0.5f);
    const RowMajor b = RowMajor::Constant(kInner, kColumns, 0.25f);
    RowMajor c(tasks * kRows, kColumns);
    const double product = best_seconds([&] {
        stream.parallel_for(tasks, [&](Index task) {
            c.middleRows(task * kRows, kRows).noalias() = a.middleRows(task * kRows, kRows) * b;
        });
    });
    ceilings.flop_per_second = 2.0 * static_cast<double>(tasks * kRows * kInner * kColumns) / product;

    const cpu::Buffer<char> from(kCopied), to(kCopied);
    const Index part = kCopied / tasks;
    const double copy = best_seconds([&] {
        stream.parallel_for(tasks, [&](Index task) {
            std::memcpy(to.data() + task * part, from.data() + task * part, static_cast<std::size_t>(part));
        });
    });
    ceilings.bytes_per_second = 2.0 * static_cast<double>(tasks * part) / copy;
    return ceilings;
}

}  // namespace abr::bench
