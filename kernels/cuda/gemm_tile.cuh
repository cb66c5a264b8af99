// A block's tile of a matrix product: operands go through shared memory in steps of kTileDepth, the next step is
// fetched into registers while the current one is multiplied, each thread keeps its part of the result in registers.
#pragma once

#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_plan.hpp"

namespace abr::cuda {

// Moves kTileDepth x kSides elements of an operand, four neighbours at a time.
template <int kSides, bool kAlongDepth>
class TileLoader {
  public:
    // [depth][side]. The four floats behind each row keep the stores of neighbouring depths in different banks.
    using Shared = float[kTileDepth][kSides + 4];

    // Elements (first_side + 0..kSides, first_depth + 0..kTileDepth) into registers, zeros from depth_end on.
    __device__ void fetch(const Operand& x, std::uint32_t first_side, std::uint32_t first_depth,
                          std::uint32_t depth_end) {
        DEVICE_UNROLL
        for (int i = 0; i < kHeld; ++i) {
            const int quad = quad_index(i);
            if (!exists(quad)) continue;
            const std::uint32_t side = first_side + first_side_of(quad);
            const std::uint32_t depth = first_depth + first_depth_of(quad);
            if (x.vector) {
                held_[i] = side < x.side.count && depth < depth_end
                               ? load_vector<float4>(x.data + x.side.offset(side) + x.depth.offset(depth))
                               : make_float4(0, 0, 0, 0);
            } else {
                held_[i] =
                    make_float4(element(x, side, depth, 0, depth_end), element(x, side, depth, 1, depth_end),
                                element(x, side, depth, 2, depth_end), element(x, side, depth, 3, depth_end));
            }
        }
    }
    __device__ void store(Shared& tile) const {
        DEVICE_UNROLL
        for (int i = 0; i < kHeld; ++i) {
            const int quad = quad_index(i);
            if (!exists(quad)) continue;
            const int side = first_side_of(quad), depth = first_depth_of(quad);
            if constexpr (kAlongDepth) {
                tile[depth][side] = held_[i].x;
                tile[depth + 1][side] = held_[i].y;
                tile[depth + 2][side] = held_[i].z;
                tile[depth + 3][side] = held_[i].w;
            } else {
                store_vector(&tile[depth][side], held_[i]);
            }
        }
    }

  private:
    static constexpr int kQuads = kSides * kTileDepth / 4;
    static constexpr int kHeld = static_cast<int>(divide_up(kQuads, kGemmThreads));
    static constexpr int kInARow = (kAlongDepth ? kTileDepth : kSides) / 4;

    __device__ static int quad_index(int i) { return i * kGemmThreads + static_cast<int>(threadIdx.x); }
    __device__ static bool exists(int quad) { return kQuads % kGemmThreads == 0 || quad < kQuads; }
    __device__ static int first_side_of(int quad) {
        return kAlongDepth ? quad / kInARow : quad % kInARow * 4;
    }
    __device__ static int first_depth_of(int quad) {
        return kAlongDepth ? quad % kInARow * 4 : quad / kInARow;
    }
    // Number j of the four from (side, depth) on.
    __device__ static float element(const Operand& x, std::uint32_t side, std::uint32_t depth,
                                    std::uint32_t j, std::uint32_t depth_end) {
        if constexpr (kAlongDepth)
            depth += j;
        else
            side += j;
        return side < x.side.count && depth < depth_end ? x.data[x.side.offset(side) + x.depth.offset(depth)]
                                                        : 0.0f;
    }

    float4 held_[kHeld];
};

// A thread's part of a tile: groups of 4 x 4 elements that lie kRowStep rows and kColumnStep columns apart, so that the
// threads of a warp read neighbouring float4 of shared memory.
template <Tile kTile>
class ThreadTile {
  public:
    static constexpr int kRows = shape(kTile).thread_rows, kColumns = shape(kTile).thread_columns;

    float sum[kRows][kColumns];

    // The element in row i and column j of the tile.
    __device__ static int row(int i) {
        return i / 4 * kRowStep + static_cast<int>(threadIdx.x) / kAcross * 4 + i % 4;
    }
    __device__ static int column(int j) {
        return j / 4 * kColumnStep + static_cast<int>(threadIdx.x) % kAcross * 4 + j % 4;
    }

    __device__ ThreadTile() {
        DEVICE_UNROLL
        for (int i = 0; i < kRows; ++i) {
            DEVICE_UNROLL
            for (int j = 0; j < kColumns; ++j) sum[i][j] = 0;
        }
    }
    template <class A, class B>
    __device__ void add_product(const A& a, const B& b) {
        DEVICE_UNROLL
        for (int depth = 0; depth < kTileDepth; ++depth) {
            float left[kRows], right[kColumns];
            DEVICE_UNROLL
            for (int i = 0; i < kRows; i += 4) read_four(left + i, &a[depth][row(i)]);
            DEVICE_UNROLL
            for (int j = 0; j < kColumns; j += 4) read_four(right + j, &b[depth][column(j)]);
            DEVICE_UNROLL
            for (int i = 0; i < kRows; ++i) {
                DEVICE_UNROLL
                for (int j = 0; j < kColumns; ++j) sum[i][j] += left[i] * right[j];
            }
        }
    }

  private:
    static constexpr int kAcross = shape(kTile).columns / kColumns, kDown = shape(kTile).rows / kRows;
    static_assert(kAcross * kDown == kGemmThreads);
    static constexpr int kRowStep = 4 * kDown, kColumnStep = 4 * kAcross;

    __device__ static void read_four(float* into, const float* shared) {
        const float4 four = load_vector<float4>(shared);
        into[0] = four.x;
        into[1] = four.y;
        into[2] = four.z;
        into[3] = four.w;
    }
};

}  // namespace abr::cuda
