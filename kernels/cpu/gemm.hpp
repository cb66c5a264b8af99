// The two matrix products that every convolution and linear map is made of, spread over the threads of a
// stream.
//
// Their rows are strided (gemm_kernel.hpp): a window of a channels-last sequence is a row, and nothing is
// copied but weights and, for their gradients, chunks that stay in cache. Tasks depend on shapes alone and
// every sum has a fixed order: the same bits for any number of threads.
#pragma once

#include "kernels/cpu/gemm_kernel.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/view.hpp"

namespace abr::cpu {

inline constexpr Index ceil_div(Index a, Index b) {
    return (a + b - 1) / b;
}

// How many tasks an op is cut into where its shape allows: enough to keep a dozen threads evenly busy.
inline constexpr Index kTasks = 16;

// c(r)[o] (=, +=) bias[o] + sum_{k,i} a(r)[k * tap_stride + i] * weight[k * w_tap + i * w_in + o * w_out]
// for r < rows, k < taps (0 is legal), i < channels, o < columns.
template <class T>
struct RowProduct {
    const T* a = nullptr;
    StridedRows a_rows = {};
    Index rows = 0;
    Index taps = 1, tap_stride = 0, channels = 1;
    const T* weight = nullptr;
    Index w_tap = 0, w_in = 0, w_out = 1;
    const T* bias = nullptr;  // (columns) or null
    Index columns = 1;
    T* c = nullptr;
    StridedRows c_rows = {};
    Write write = Write::overwrite;
};
template <class T>
void multiply_rows(Stream&, const RowProduct<T>&, T* workspace);
inline Index row_product_workspace(Index taps, Index channels, Index columns) {
    return packed_size(taps * channels, columns);
}

// dw[k][i][o] += sum_{b,t} a[b * a_sample + (t * a_step + k * a_dilation) * channels + i]
//                        * g[b * g_sample + t * g_row + k * g_tap + o]
// for b < samples, t < rows, k < taps, i < channels, o < columns.
struct WeightShape {
    Index samples = 1, rows = 1;
    Index taps = 1, channels = 1, columns = 1;
    Index a_step = 1;      // rows of a from one t to the next
    Index a_dilation = 0;  // rows of a from one tap to the next; 0 where the taps move over g
    Index size() const { return taps * channels * columns; }
};
template <class T>
struct WeightProduct {
    WeightShape shape = {};
    const T* a = nullptr;
    Index a_sample = 0;
    const T* g = nullptr;
    Index g_sample = 0, g_row = 0, g_tap = 0;
    T* dw = nullptr;  // (taps, channels, columns)
};
template <class T>
void accumulate_weight_product(Stream&, const WeightProduct<T>&, T* workspace);
// Enough for any smaller number of samples, too.
Index weight_product_workspace(const WeightShape&);

// sums[o] += sum_{b,t} x[b,t,o] over the real rows.
template <class T>
void accumulate_column_sums(Stream&, Sequence<const T> x, T* sums, T* workspace);
Index column_sums_workspace(Index samples, Index columns);

}  // namespace abr::cpu
