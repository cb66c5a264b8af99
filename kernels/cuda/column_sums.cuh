// Sums over the rows of a matrix, a few quantities for each column, by one block in a fixed order.
#pragma once

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

// Rows and columns as a block shares them out. Neighbouring threads take neighbouring columns, so that rows are read in
// whole lines; what is left of the block works on other rows.
template <int kThreads>
struct ColumnThreads {
    int at_once, lanes;  // columns and rows that are worked on at a time
    int offset, lane;    // this thread's

    __device__ explicit ColumnThreads(int columns)
        : at_once(columns < kThreads ? columns : kThreads),
          lanes(kThreads / at_once),
          offset(static_cast<int>(threadIdx.x) % at_once),
          lane(static_cast<int>(threadIdx.x) / at_once) {}
};

// f(row, column) for every element, by all kThreads threads of a one-dimensional block. The thread of an element is
// that of column_sums.
template <int kThreads, class F>
__device__ inline void for_each_element(int rows, int columns, const F& f) {
    const ColumnThreads<kThreads> own(columns);
    if (own.lane >= own.lanes) return;
    for (int column = own.offset; column < columns; column += own.at_once)
        for (int row = own.lane; row < rows; row += own.lanes) f(row, column);
}

// Floats of shared memory that column_sums wants.
template <int kThreads, int kSums>
inline constexpr int kColumnSumsShared = kSums * 2 * kThreads;

// add(row, column, sums) adds what an element contributes to float (&sums)[kSums]; take(column, s, total) is called
// once for each column and quantity. All kThreads threads of a one-dimensional block call it; what `take` wrote to
// shared memory is visible to all of them afterwards. `partial`: kColumnSumsShared floats.
template <int kThreads, int kSums, class Add, class Take>
__device__ inline void column_sums(int rows, int columns, float* partial, const Add& add, const Take& take) {
    const ColumnThreads<kThreads> own(columns);
    const int stride = own.lanes | 1;  // odd: the lanes of a warp write to different banks
    for (int first = 0; first < columns; first += own.at_once) {
        const int width = columns - first < own.at_once ? columns - first : own.at_once;
        if (own.lane < own.lanes && own.offset < width) {
            float sums[kSums] = {};
            for (int row = own.lane; row < rows; row += own.lanes) add(row, first + own.offset, sums);
            for (int s = 0; s < kSums; ++s)
                partial[(s * own.at_once + own.offset) * stride + own.lane] = sums[s];
        }
        __syncthreads();
        for (int i = static_cast<int>(threadIdx.x); i < kSums * width; i += kThreads) {
            const int s = i / width;
            const int column = i % width;
            const float* const shares = partial + (s * own.at_once + column) * stride;
            float total = shares[0];
            for (int lane = 1; lane < own.lanes; ++lane) total += shares[lane];
            take(first + column, s, total);
        }
        __syncthreads();
    }
}

}  // namespace abr::cuda
