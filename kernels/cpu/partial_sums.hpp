// Sums of per-task partial results in a fixed order.
#pragma once

#include <algorithm>

#include "kernels/cpu/stream.hpp"

namespace abr::cpu {

// out[i] += sum over p < count of partials[p * stride + i], i in [0, width).
template <class T>
void add_partial_sums(Stream& stream, const T* partials, Index count, Index stride, Index width, T* out) {
    constexpr Index kColumns = 64;
    stream.parallel_for((width + kColumns - 1) / kColumns, [&](Index task) {
        const Index begin = task * kColumns;
        const Index n = std::min(kColumns, width - begin);
        T sum[kColumns] = {};
        for (Index p = 0; p < count; ++p) {
            const T* row = partials + p * stride + begin;
            for (Index i = 0; i < n; ++i) sum[i] += row[i];
        }
        for (Index i = 0; i < n; ++i) out[begin + i] += sum[i];
    });
}

}  // namespace abr::cpu
