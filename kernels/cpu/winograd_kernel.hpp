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

// A dy for every point as panels of gemm_kernel.hpp, tiles being their rows: panel j of point p begins at
// (p * panels + j) * (1 + tiles.count) * panel_columns<float>().
struct GradientTransform {
    Sequence<const float> dy;
    Index points = kPoints;
    Tiles tiles;
    float* out = nullptr;
};
void transform_gradient(const GradientTransform&);

// u (pairs, size): G w for elements [begin, end) of each tap of w, which lie `tap` apart.
void transform_weight(const TapGroups&, const float* w, Index tap, Index size, Index begin, Index end,
                      float* u);
// dw[k * size + e] += G^T of the sum over slices of du (slices, pairs, size), for e in [begin, end).
void add_weight_gradient(const TapGroups&, const float* du, Index slices, Index size, Index begin, Index end,
                         float* dw);

}  // namespace abr::cpu
