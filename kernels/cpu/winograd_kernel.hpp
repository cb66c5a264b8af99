// The transforms of minimal filtering: convolutions of stride 1 with fewer products (S. Winograd, "Arithmetic
// Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).
//
// Three rows of y, a tile, are the coefficients of polynomials: y = A^T sum over groups of (G w) * (B^T x), with a
// product for each evaluation point instead of one for each row and tap. The taps are cut into groups of four and three,
// which are evaluated at 6 and 5 points; 11 products of matrices then do the work of the 21 of three rows and seven
// taps. The points 0, 1, -1, -2, infinity are common to all groups, so that the groups' products are added up before
// A^T; the 6th is 1/2. tests/oracle/minimal_filtering.py derives the matrices and compares other tiles and points.
//
// Everything here is fp32; channels are multiples of kStrip. The SIMD level is chosen at run time.
#pragma once

#include <algorithm>

#include "kernels/view.hpp"
#include "kernels/windows.hpp"

namespace abr::cpu {

inline constexpr Index kTileOutputs = 3;
inline constexpr Index kPoints = 6, kSharedPoints = 5;
inline constexpr Index kStrip = 16;  // channels that lie together, a cache line

// The taps of a kernel: `fours` groups of four taps, then groups of three, of which the last may have fewer.
struct TapGroups {
    Index kernel, count, fours;
    explicit TapGroups(Index kernel_size)
        : kernel(kernel_size),
          count((kernel_size + 3) / 4),
          fours(std::max<Index>(0, kernel_size - 3 * count)) {}
    Index begin(Index group) const { return 3 * group + std::min(group, fours); }
    Index taps(Index group) const { return std::min<Index>(group < fours ? 4 : 3, kernel - begin(group)); }
    // Points in use, groups that have a point, and pairs of both.
    Index points() const { return fours > 0 ? kPoints : kSharedPoints; }
    Index groups(Index point) const { return point < kSharedPoints ? count : fours; }
    Index pairs() const { return kSharedPoints * count + fours; }
};

// Tiles [begin, begin + count) of a batch: tile i starts at row i % per_sample * kTileOutputs of sample i / per_sample.
struct Tiles {
    Index per_sample = 1, begin = 0, count = 0;
};

// out: element (point p, group g, strip s, tile i, channel c) at
//   (((p * groups + g) * strips + s) * tiles.count + i) * kStrip + c
// of B^T x for channels [channel_begin, channel_begin + kStrip * strips). Row 0 of y meets x[first_row] with tap 0.
struct InputTransform {
    Sequence<const float> x;
    TapGroups taps;
    Tiles tiles;
    Index first_row = 0;
    Index channel_begin = 0, strips = 0;
    float* out = nullptr;
};
void transform_input(const InputTransform&);

// Rows of y from m (points, tiles.count, y.channels): A^T m + bias.
struct OutputTransform {
    const float* m = nullptr;
    Index points = kPoints;
    Tiles tiles;
    const float* bias = nullptr;  // (y.channels) or null
    Sequence<float> y;
    Write write = Write::overwrite;
};
void transform_output(const OutputTransform&);

// Matrices for every point, as panels of gemm_kernel.hpp with row 0, which is zero: panel j of point p begins at
// (p * panels() + j) * panel_size().
struct PointPanels {
    float* data = nullptr;
    Index rows = 0, columns = 0;  // of a matrix, row 0 not counted; columns a multiple of kStrip
    Index full = 1;               // panel_columns<float>()
    Index panels() const { return (columns + full - 1) / full; }
    Index panel_size() const { return (1 + rows) * full; }
    Index width(Index panel) const { return std::min(full, columns - panel * full); }
    float* panel(Index point, Index index) const { return data + (point * panels() + index) * panel_size(); }
};

// A dy for every point, of dy's channels from channel_begin on; tiles are the panels' rows.
struct GradientTransform {
    Sequence<const float> dy;
    Index points = kPoints;
    Tiles tiles;
    Index channel_begin = 0;
    PointPanels out;
};
void transform_gradient(const GradientTransform&);

// G w for every point: row g * in + i of a matrix is that of group g and channel i of the product's input. Points that
// not all groups have use the first rows only.
struct WeightTransform {
    TapGroups taps;
    WeightView<float> w;  // w.in or w.out is 1
    Index in = 0;
    PointPanels out;
};
// For channels [kStrip * strip, kStrip * (strip + 1)) of the input and the columns of one panel.
void transform_weight(const WeightTransform&, Index strip, Index panel);

// dw[k * size + e] += G^T of the sum over slices of du (slices, pairs, size), for e in [begin, end).
void add_weight_gradient(const TapGroups&, const float* du, Index slices, Index size, Index begin, Index end,
                         float* dw);

}  // namespace abr::cpu
