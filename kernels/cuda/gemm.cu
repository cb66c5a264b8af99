// The kernels of gemm.cuh. Bound by arithmetic where channels are many: 2 * rows * columns * depth FLOP.
#include "kernels/cuda/gemm.cuh"

#include <algorithm>
#include <cassert>
#include <limits>

#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/gemm_tile.cuh"
#include "kernels/cuda/padding.cuh"
#include "kernels/cuda/partial_sums.hpp"

namespace abr::cuda {
namespace {

struct Phases {
    Product products[kMaxPhases];
};
// Slice s of the sums has the `chunk` terms from s * chunk on; its result lies at c + s * size.
struct Cut {
    std::uint32_t chunk;
    Index size;
};

template <Tile kTile>
__device__ void write_tile(const Product& p, float* c, const ThreadTile<kTile>& mine, std::uint32_t first_row,
                           std::uint32_t first_column) {
    const auto value = [&](int i, int j, std::uint32_t column, float before) {
        const float sum = mine.sum[i][j] + (p.bias ? p.bias[column] : 0.0f);
        return p.write == Write::accumulate ? before + sum : sum;
    };
    DEVICE_UNROLL
    for (int i = 0; i < mine.kRows; ++i) {
        const std::uint32_t row = first_row + mine.row(i);
        if (row >= p.c.rows.count) continue;
        float* const c_row = c + p.c.rows.offset(row);
        DEVICE_UNROLL
        for (int j = 0; j < mine.kColumns; j += 4) {
            const std::uint32_t column = first_column + mine.column(j);
            if (p.c.vector && column < p.c.columns.count) {
                float* const four = c_row + p.c.columns.offset(column);
                float4 before = make_float4(0, 0, 0, 0);
                if (p.write == Write::accumulate) before = load_vector<float4>(four);
                store_vector(four,
                             make_float4(value(i, j, column, before.x), value(i, j + 1, column + 1, before.y),
                                         value(i, j + 2, column + 2, before.z),
                                         value(i, j + 3, column + 3, before.w)));
            } else {
                DEVICE_UNROLL
                for (int k = 0; k < 4; ++k) {
                    if (column + k >= p.c.columns.count) continue;
                    float& element = c_row[p.c.columns.offset(column + k)];
                    element = value(i, j + k, column + k, p.write == Write::accumulate ? element : 0.0f);
                }
            }
        }
    }
}

// Blocks (tile, slice, phase); those of phase 0 behind `tiles` zero the padding of one sample each.
template <Tile kTile, bool kAAlongDepth, bool kBAlongDepth>
__global__ void __launch_bounds__(kGemmThreads)
    gemm_kernel(Phases phases, Cut cut, std::uint32_t tiles, Sequence<float> padded) {
    if (blockIdx.x >= tiles) {
        if (blockIdx.z == 0)
            zero_padding(padded, blockIdx.x - tiles, 0, static_cast<int>(padded.channels),
                         static_cast<int>(threadIdx.x), kGemmThreads);
        return;
    }
    constexpr TileShape kShape = shape(kTile);
    using A = TileLoader<kShape.rows, kAAlongDepth>;
    using B = TileLoader<kShape.columns, kBAlongDepth>;
    DEVICE_SHARED(a_steps, typename A::Shared[2]);
    DEVICE_SHARED(b_steps, typename B::Shared[2]);

    const Product& p = phases.products[blockIdx.z];
    const std::uint32_t tiles_across = (p.c.columns.count + kShape.columns - 1) / kShape.columns;
    const std::uint32_t first_row = blockIdx.x / tiles_across * kShape.rows;
    const std::uint32_t first_column = blockIdx.x % tiles_across * kShape.columns;
    const std::uint32_t first_depth = blockIdx.y * cut.chunk, left = p.a.depth.count - first_depth;
    const std::uint32_t depth_end = first_depth + (left < cut.chunk ? left : cut.chunk);

    ThreadTile<kTile> mine;
    A a;
    B b;
    a.fetch(p.a, first_row, first_depth, depth_end);
    b.fetch(p.b, first_column, first_depth, depth_end);
    int current = 0;
    for (std::uint32_t depth = first_depth; depth < depth_end; depth += kTileDepth) {
        // What is overwritten here was read for the last time before the barrier of the previous step.
        a.store(a_steps[current]);
        b.store(b_steps[current]);
        __syncthreads();
        if (depth + kTileDepth < depth_end) {
            a.fetch(p.a, first_row, depth + kTileDepth, depth_end);
            b.fetch(p.b, first_column, depth + kTileDepth, depth_end);
        }
        mine.add_product(a_steps[current], b_steps[current]);
        current = 1 - current;
    }
    write_tile(p, p.c.data + blockIdx.y * cut.size, mine, first_row, first_column);
}

constexpr int kSumThreads = 256;
constexpr int kSumColumns = 32;  // of a block: a line of memory a row

// Blocks (columns, slice of `chunk` rows); a slice writes a row of `sums`.
__global__ void __launch_bounds__(kSumThreads)
    column_sums_kernel(const float* x, Axis rows, int columns, std::uint32_t chunk, float* sums,
                       Write write) {
    DEVICE_SHARED(partial, float[kColumnSumsShared<kSumThreads, 1>]);
    const int begin = static_cast<int>(blockIdx.x) * kSumColumns;
    const int width = columns - begin < kSumColumns ? columns - begin : kSumColumns;
    const std::uint32_t first = blockIdx.y * chunk;
    const std::uint32_t count = rows.count - first < chunk ? rows.count - first : chunk;
    column_sums<kSumThreads, 1>(
        static_cast<int>(count), width, partial,
        [&](int row, int c, float(&sum)[1]) { sum[0] += x[rows.offset(first + row) + begin + c]; },
        [&](int c, int, float total) {
            float& result = sums[Index{blockIdx.y} * columns + begin + c];
            result = write == Write::accumulate ? result + total : total;
        });
}

template <Tile kTile>
void launch_tiles(Stream& stream, dim3 grid, const Phases& phases, const Cut& cut, Index tiles,
                  Sequence<float> padded) {
    const Operand &a = phases.products[0].a, &b = phases.products[0].b;
    assert(a.along_depth || !b.along_depth);
    const auto kernel = !a.along_depth  ? gemm_kernel<kTile, false, false>
                        : b.along_depth ? gemm_kernel<kTile, true, true>
                                        : gemm_kernel<kTile, true, false>;
    launch(kernel, grid, kGemmThreads, 0, stream, phases, cut, tiles, padded);
}

void launch_products(Stream& stream, Tile tile, std::span<const Product> products, Index slices,
                     const Cut& cut, Sequence<float> padded) {
    assert(products.size() <= kMaxPhases);
    Phases phases;
    std::copy(products.begin(), products.end(), phases.products);
    const Output& c = products[0].c;
    const Index tiles = tile_count(tile, c.rows.count, c.columns.count);
    const Index padding_blocks = padded.pad > 0 ? padded.batch : 0;
    const dim3 grid(static_cast<unsigned>(tiles + padding_blocks), static_cast<unsigned>(slices),
                    static_cast<unsigned>(products.size()));
    switch (tile) {
        case Tile::large:
            return launch_tiles<Tile::large>(stream, grid, phases, cut, tiles, padded);
        case Tile::medium:
            return launch_tiles<Tile::medium>(stream, grid, phases, cut, tiles, padded);
        case Tile::narrow:
            return launch_tiles<Tile::narrow>(stream, grid, phases, cut, tiles, padded);
    }
}

}  // namespace

void multiply(Stream& stream, std::span<const Product> products, Sequence<float> padded) {
    const Output& c = products[0].c;
    const Tile tile = choose_tile(c.rows.count * static_cast<Index>(products.size()), c.columns.count);
    const Cut whole{std::numeric_limits<std::int32_t>::max(), 0};
    launch_products(stream, tile, products, 1, whole, padded);
}

void accumulate_weight_product(Stream& stream, const Product& product, float* workspace) {
    const Index rows = product.c.rows.count, columns = product.c.columns.count, size = rows * columns;
    const Slices slices = weight_slices(rows, columns, product.a.depth.count);
    Product p = product;
    p.write = Write::accumulate;
    if (slices.count > 1) {
        p.c = Output(workspace, p.c.rows, p.c.columns);
        p.write = Write::overwrite;
    }
    launch_products(stream, choose_weight_tile(rows, columns), {&p, 1}, slices.count,
                    Cut{static_cast<std::uint32_t>(slices.chunk), size}, {});
    if (slices.count > 1) add_partial_sums(stream, workspace, slices.count, size, product.c.data);
}

void accumulate_column_sums(Stream& stream, Sequence<const float> x, float* sums, float* workspace) {
    const Axis rows(x.batch * x.length, x.length, x.sample_stride(), x.channels);
    const Slices slices = column_sum_slices(rows.count, x.channels);
    const dim3 grid(static_cast<unsigned>(divide_up(x.channels, kSumColumns)),
                    static_cast<unsigned>(slices.count));
    const bool whole = slices.count == 1;
    launch(column_sums_kernel, grid, kSumThreads, 0, stream, x.row(0, 0), rows, x.channels, slices.chunk,
           whole ? sums : workspace, whole ? Write::accumulate : Write::overwrite);
    if (!whole) add_partial_sums(stream, workspace, slices.count, x.channels, sums);
}

}  // namespace abr::cuda
