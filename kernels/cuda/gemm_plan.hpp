// How the CUDA backend cuts matrix products and column sums into blocks and slices: by their shapes alone, so that every
// sum has one order. Host code without CUDA: the workspace of an op has to cover every backend.
#pragma once

#include <algorithm>

#include "kernels/view.hpp"

namespace abr::cuda {

// A block's part of a product, and of it the part of each of its threads.
struct TileShape {
    int rows, columns, thread_rows, thread_columns;
};
enum class Tile { large, medium, narrow };  // narrow: for few columns
constexpr TileShape shape(Tile tile) {
    if (tile == Tile::large) return {128, 64, 8, 8};
    if (tile == Tile::medium) return {64, 32, 4, 4};
    return {128, 16, 4, 4};
}
inline constexpr int kGemmThreads = 128;
inline constexpr int kTileDepth = 16;  // terms of the sums in a step

// Blocks that keep a large device busy: two on each of an H100's 132 multiprocessors.
inline constexpr Index kManyBlocks = 264;

inline Index tile_count(Tile tile, Index rows, Index columns) {
    const auto cover = [](Index count, Index unit) { return (count + unit - 1) / unit; };
    return cover(rows, shape(tile).rows) * cover(columns, shape(tile).columns);
}

// For sums that stay in one piece: large tiles where there are enough of them.
inline Tile choose_tile(Index rows, Index columns) {
    if (columns <= shape(Tile::narrow).columns) return Tile::narrow;
    if (columns <= shape(Tile::medium).columns) return Tile::medium;
    return tile_count(Tile::large, rows, columns) < kManyBlocks ? Tile::medium : Tile::large;
}

// A sum of `depth` terms in slices of `chunk`. `most` bounds their number, and does not fall as the depth grows.
struct Slices {
    Index most, chunk, count;

    Slices(Index depth, Index wanted, Index least_chunk)
        : most(std::max(Index{1}, std::min(wanted, depth / least_chunk))),
          chunk((depth / most / kTileDepth + 1) * kTileDepth),
          count(std::max(Index{1}, (depth + chunk - 1) / chunk)) {}

    // For the partial sums of `size` results.
    Index workspace(Index size) const { return most > 1 ? most * size : 0; }
};

// Weight gradients: few rows and columns, sums over all rows of the batch.
inline Tile choose_weight_tile(Index rows, Index columns) {
    if (columns <= shape(Tile::narrow).columns) return Tile::narrow;
    const TileShape medium = shape(Tile::medium);
    return rows <= medium.rows || columns <= medium.columns ? Tile::medium : Tile::large;
}
inline Slices weight_slices(Index rows, Index columns, Index depth) {
    const Index tiles = tile_count(choose_weight_tile(rows, columns), rows, columns);
    return {depth, 2 * kManyBlocks / tiles, 8 * kTileDepth};
}
inline Slices column_sum_slices(Index rows, Index columns) {
    return {rows, 2 * kManyBlocks / (columns / 32 + 1), 256};
}

// Elements of workspace for the gradients of a weight of (rows, columns), each element a sum of `depth` terms, and of a
// bias of out_channels, sums over bias_rows rows.
inline Index weight_gradient_workspace(Index rows, Index columns, Index depth, Index out_channels,
                                       Index bias_rows) {
    return std::max(weight_slices(rows, columns, depth).workspace(rows * columns),
                    column_sum_slices(bias_rows, out_channels).workspace(out_channels));
}

}  // namespace abr::cuda
