// One 64 x 64 tile of a matrix product in fp32, through shared memory: each thread adds up 4 x 4 elements.
#pragma once

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

inline constexpr int kProductThreads = 256;
inline constexpr int kProductTile = 64;  // rows and columns

// Blocks that cover a product.
inline Index product_tiles(Index rows, Index columns) {
    return divide_up(rows, kProductTile) * divide_up(columns, kProductTile);
}

// store(i, j, sum over k < inner of left(i, k) * right(k, j)) for the elements of tile `tile` of a (rows, columns)
// product; terms are added in the order of k. kLeftByRow: left(i, k) is contiguous along i, otherwise along k;
// kRightByColumn: right(k, j) along j, otherwise along k. All kProductThreads threads of the block call it.
template <bool kLeftByRow, bool kRightByColumn, class Left, class Right, class Store>
__device__ inline void tile_product(int tile, int rows, int columns, int inner, const Left& left,
                                    const Right& right, const Store& store) {
    constexpr int kInner = 16;
    constexpr int kStride = kProductTile + 4;  // keeps vectors aligned and spreads columns over the banks
    constexpr int kLoads = kProductTile * kInner / kProductThreads;
    DEVICE_SHARED(left_tile, float[kInner * kStride]);
    DEVICE_SHARED(right_tile, float[kInner * kStride]);
    const int tiles_across = (columns + kProductTile - 1) / kProductTile;
    const int first_row = tile / tiles_across * kProductTile;
    const int first_column = tile % tiles_across * kProductTile;
    const int thread = static_cast<int>(threadIdx.x);
    const int row = thread / 16 * 4;
    const int column = thread % 16 * 4;
    float sums[4][4] = {};
    for (int first = 0; first < inner; first += kInner) {
        for (int load = 0; load < kLoads; ++load) {
            const int n = load * kProductThreads + thread;
            const int i = kLeftByRow ? n % kProductTile : n / kInner;
            const int k = kLeftByRow ? n / kProductTile : n % kInner;
            const bool inside = first_row + i < rows && first + k < inner;
            left_tile[k * kStride + i] = inside ? left(first_row + i, first + k) : 0.0f;
        }
        for (int load = 0; load < kLoads; ++load) {
            const int n = load * kProductThreads + thread;
            const int j = kRightByColumn ? n % kProductTile : n / kInner;
            const int k = kRightByColumn ? n / kProductTile : n % kInner;
            const bool inside = first_column + j < columns && first + k < inner;
            right_tile[k * kStride + j] = inside ? right(first + k, first_column + j) : 0.0f;
        }
        __syncthreads();
        for (int k = 0; k < kInner; ++k) {
            const float4 a = load_vector<float4>(left_tile + k * kStride + row);
            const float4 b = load_vector<float4>(right_tile + k * kStride + column);
            const float down[4] = {a.x, a.y, a.z, a.w};
            const float across[4] = {b.x, b.y, b.z, b.w};
            for (int r = 0; r < 4; ++r)
                for (int c = 0; c < 4; ++c) sums[r][c] += down[r] * across[c];
        }
        __syncthreads();
    }
    for (int r = 0; r < 4; ++r)
        for (int c = 0; c < 4; ++c) {
            const int i = first_row + row + r;
            const int j = first_column + column + c;
            if (i < rows && j < columns) store(i, j, sums[r][c]);
        }
}

}  // namespace abr::cuda
