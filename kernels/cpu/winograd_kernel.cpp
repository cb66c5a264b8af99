#include "kernels/cpu/simd_levels.hpp"

// Highway includes this file once for each level.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_kernel.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, as Highway wants it.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <utility>

#include "kernels/cpu/simd_transpose.hpp"
#include "kernels/cpu/winograd_kernel.hpp"

#ifndef ABR_WINOGRAD_MATRICES
#define ABR_WINOGRAD_MATRICES
namespace abr::cpu {

// For the points 0, 1, -1, -2, infinity and 1/2, of which a group of three taps uses the first five. Row p of A is p's
// powers (for infinity: the last coefficient alone), row p of G, too, times a scale; B^T is the inverse transpose of the
// powers of all points, scaled so that its elements are exact.
inline constexpr float kA[6][3] = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, -2, 4}, {0, 0, 1}, {1, .5f, .25f}};
inline constexpr float kB3[5][5] = {{1, .5f, -1, -.5f, 0},
                                    {0, 1, 1.5f, .5f, 0},
                                    {0, -1, .5f, .5f, 0},
                                    {0, .5f, 0, -.5f, 0},
                                    {0, -2, -1, 2, 1}};
inline constexpr float kG3[5][3] = {
    {1, 0, 0}, {1 / 3.f, 1 / 3.f, 1 / 3.f}, {1, -1, 1}, {1 / 3.f, -2 / 3.f, 4 / 3.f}, {0, 0, 1}};
inline constexpr float kB4[6][6] = {{1, -1.5f, -2, 1.5f, 1, 0}, {0, -1, .5f, 2.5f, 1, 0},
                                    {0, -1, 2.5f, -.5f, -1, 0}, {0, .5f, -1, -.5f, 1, 0},
                                    {0, 1, -1.5f, -2, 1.5f, 1}, {0, 2, 1, -2, -1, 0}};
inline constexpr float kG4[6][4] = {{1, 0, 0, 0},
                                    {1 / 3.f, 1 / 3.f, 1 / 3.f, 1 / 3.f},
                                    {1 / 3.f, -1 / 3.f, 1 / 3.f, -1 / 3.f},
                                    {1 / 15.f, -2 / 15.f, 4 / 15.f, -8 / 15.f},
                                    {0, 0, 0, 1},
                                    {16 / 15.f, 8 / 15.f, 4 / 15.f, 2 / 15.f}};

// The matrices by row, as sum_row() wants them.
template <const auto& kMatrix>
struct Rows {
    static constexpr float at(int row, int column) { return kMatrix[row][column]; }
};
template <const auto& kMatrix>
struct Columns {
    static constexpr float at(int row, int column) { return kMatrix[column][row]; }
};

}  // namespace abr::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, kStrip>;
using Vector = hn::Vec<FloatTag>;
constexpr Index kVector = static_cast<Index>(hn::MaxLanes(FloatTag()));

// sum + the rest of row kRow of the matrix, from column kColumn on, times x.
template <class Matrix, int kRow, int kColumn, int kColumns>
HWY_INLINE Vector sum_row(const Vector* x, Vector sum) {
    if constexpr (kColumn == kColumns) {
        return sum;
    } else {
        constexpr float factor = Matrix::at(kRow, kColumn);
        if constexpr (factor == 1)
            sum = hn::Add(sum, x[kColumn]);
        else if constexpr (factor == -1)
            sum = hn::Sub(sum, x[kColumn]);
        else if constexpr (factor != 0)
            sum = hn::MulAdd(hn::Set(FloatTag(), factor), x[kColumn], sum);
        return sum_row<Matrix, kRow, kColumn + 1, kColumns>(x, sum);
    }
}
template <class Matrix, int kRow, int kColumn, int kColumns>
HWY_INLINE Vector row(const Vector* x) {
    constexpr float factor = Matrix::at(kRow, kColumn);
    if constexpr (factor == 0)
        return row<Matrix, kRow, kColumn + 1, kColumns>(x);
    else if constexpr (factor == 1)
        return sum_row<Matrix, kRow, kColumn + 1, kColumns>(x, x[kColumn]);
    else
        return sum_row<Matrix, kRow, kColumn + 1, kColumns>(x,
                                                            hn::Mul(hn::Set(FloatTag(), factor), x[kColumn]));
}

// Stores matrix * x, a row each `stride` elements.
template <class Matrix, int kColumns, int... kRow>
HWY_INLINE void store_product(const Vector* x, float* to, Index stride, std::integer_sequence<int, kRow...>) {
    (hn::StoreU(row<Matrix, kRow, 0, kColumns>(x), FloatTag(), to + kRow * stride), ...);
}

template <int kCount>
using Counts = std::make_integer_sequence<int, kCount>;

// Where the tiles of a block begin, one after the other.
class TileCursor {
  public:
    explicit TileCursor(const Tiles& tiles)
        : per_sample_(tiles.per_sample),
          sample_(tiles.begin / tiles.per_sample),
          tile_(tiles.begin % tiles.per_sample) {}
    Index sample() const { return sample_; }
    Index row() const { return tile_ * kTileOutputs; }
    void next() {
        if (++tile_ == per_sample_) {
            tile_ = 0;
            ++sample_;
        }
    }

  private:
    Index per_sample_, sample_, tile_;
};

// Stores matrix * x for kI columns of x: rows at `from`, `pitch` apart, of which those from `count` on are zeros.
// Everything is indexed by constants: GCC 12 keeps an array that is indexed in a loop in memory.
template <class Matrix, int kRows, int... kI>
HWY_INLINE void transform_rows(const float* from, Index pitch, Index count, float* to, Index stride,
                               std::integer_sequence<int, kI...>) {
    const FloatTag d;
    if (count >= static_cast<Index>(sizeof...(kI))) {
        const Vector rows[] = {hn::LoadU(d, from + kI * pitch)...};
        store_product<Matrix, sizeof...(kI)>(rows, to, stride, Counts<kRows>());
    } else {
        const Vector rows[] = {kI < count ? hn::LoadU(d, from + kI * pitch) : hn::Zero(d)...};
        store_product<Matrix, sizeof...(kI)>(rows, to, stride, Counts<kRows>());
    }
}

// Asks for the rows of a tile that is far enough ahead for memory to answer: at `rows`, `pitch` apart. The rows of a
// batch lie one behind the other, so that it matters little where a sample ends.
HWY_INLINE void fetch_ahead(const float* rows, Index pitch) {
    constexpr Index kAhead = 512;  // elements
    const Index tile = kTileOutputs * pitch;
    const float* from = rows + (kAhead + tile - 1) / tile * tile;
    for (Index row = 0; row < kTileOutputs; ++row) hwy::Prefetch(from + row * pitch);
}

void input(const InputTransform& p) {
    const Index pitch = p.x.channels, end = p.x.length + p.x.pad;
    const Index strip_size = p.tiles.count * kStrip, group_size = p.strips * strip_size;
    const Index point_size = p.taps.count * group_size;
    TileCursor tile(p.tiles);
    for (Index i = 0; i < p.tiles.count; ++i, tile.next()) {
        const Index first = tile.row() + p.first_row;
        const float* from = p.x.row(tile.sample(), first) + p.channel_begin;
        for (Index c = 0; c < p.strips * kStrip; c += kVector) {
            float* to = p.out + c / kStrip * strip_size + i * kStrip + c % kStrip;
            fetch_ahead(from + c + (p.taps.kernel - 1) * pitch, pitch);
            for (Index group = 0; group < p.taps.count; ++group, to += group_size) {
                const Index tap = p.taps.begin(group), rows = end - first - tap;
                const float* x = from + c + tap * pitch;
                if (group < p.taps.fours)
                    transform_rows<Rows<kB4>, 6>(x, pitch, rows, to, point_size, Counts<6>());
                else
                    transform_rows<Rows<kB3>, 5>(x, pitch, rows, to, point_size, Counts<5>());
            }
        }
    }
}

HWY_INLINE void finish_row(const OutputTransform& p, Index channel, Vector y, float* to) {
    const FloatTag d;
    if (p.bias) y = hn::Add(y, hn::LoadU(d, p.bias + channel));
    if (p.write == Write::accumulate) y = hn::Add(y, hn::LoadU(d, to));
    hn::StoreU(y, d, to);
}

template <int... kPoint, int... kRow>
HWY_INLINE void output_rows(const OutputTransform& p, std::integer_sequence<int, kPoint...>,
                            std::integer_sequence<int, kRow...>) {
    const Index channels = p.y.channels, point_size = p.tiles.count * channels;
    TileCursor tile(p.tiles);
    for (Index i = 0; i < p.tiles.count; ++i, tile.next()) {
        const Index rows = p.y.length - tile.row();
        const float* from = p.m + i * channels;
        float* to = p.y.row(tile.sample(), tile.row());
        for (Index c = 0; c < channels; c += kVector) {
            const Vector m[] = {hn::LoadU(FloatTag(), from + kPoint * point_size + c)...};
            ((kRow < rows ? finish_row(p, c, row<Columns<kA>, kRow, 0, sizeof...(kPoint)>(m),
                                       to + kRow * channels + c)
                          : void()),
             ...);
        }
    }
}
void output(const OutputTransform& p) {
    const Counts<kTileOutputs> rows;
    p.points == kPoints ? output_rows(p, Counts<kPoints>(), rows)
                        : output_rows(p, Counts<kSharedPoints>(), rows);
}

void gradient(const GradientTransform& p) {
    const FloatTag d;
    const PointPanels& out = p.out;
    const Index channels = p.dy.channels, point_size = out.panels() * out.panel_size();
    for (Index c = 0; c < out.columns; c += kVector) {
        const Index panel = c / out.full, width = out.width(panel);
        float* to = out.panel(0, panel) + c % out.full;
        for (Index point = 0; point < p.points; ++point) hn::StoreU(hn::Zero(d), d, to + point * point_size);
        TileCursor tile(p.tiles);
        for (Index i = 0; i < p.tiles.count; ++i, tile.next()) {
            to += width;
            const float* dy = p.dy.row(tile.sample(), tile.row()) + p.channel_begin + c;
            const Index rows = p.dy.length - tile.row();
            fetch_ahead(dy, channels);
            if (p.points == kPoints)
                transform_rows<Rows<kA>, kPoints>(dy, channels, rows, to, point_size, Counts<kTileOutputs>());
            else
                transform_rows<Rows<kA>, kSharedPoints>(dy, channels, rows, to, point_size,
                                                        Counts<kTileOutputs>());
        }
    }
}

// From taps `tap` apart to points `point_size` apart.
template <class Matrix, int kRows, int... kTap>
HWY_INLINE void weight_group(Index taps, const float* w, Index tap, float* to, Index point_size,
                             std::integer_sequence<int, kTap...>) {
    const Vector x[] = {kTap < taps ? hn::LoadU(FloatTag(), w + kTap * tap) : hn::Zero(FloatTag())...};
    store_product<Matrix, sizeof...(kTap)>(x, to, point_size, Counts<kRows>());
}
void weight(const WeightTransform& p, Index strip, Index panel) {
    constexpr Index kMaxGroup = 4, kColumns = std::min(kStrip, 2 * kVector);
    const TapGroups& taps = p.taps;
    const Index width = p.out.width(panel), point_size = p.out.panels() * p.out.panel_size();
    HWY_ALIGN float block[kMaxGroup * kStrip * kColumns];
    for (Index c = 0; c < width; c += kColumns)
        for (Index group = 0; group < taps.count; ++group) {
            // Taps of kStrip inputs by kColumns outputs, in place or transposed.
            const float* from = p.w.data + taps.begin(group) * p.w.tap + strip * kStrip * p.w.in +
                                (panel * p.out.full + c) * p.w.out;
            Index tap = p.w.tap, row = p.w.in;
            if (p.w.out != 1) {
                tap = kStrip * kColumns;
                row = kColumns;
                for (Index k = 0; k < taps.taps(group); ++k)
                    transpose(from + k * p.w.tap, p.w.out, kColumns, kStrip, block + k * tap, row);
                from = block;
            }
            float* to = p.out.panel(0, panel) + (1 + group * p.in + strip * kStrip) * width + c;
            for (Index i = 0; i < kStrip; ++i, from += row, to += width)
                for (Index v = 0; v < kColumns; v += kVector)
                    if (group < taps.fours)
                        weight_group<Rows<kG4>, kPoints>(4, from + v, tap, to + v, point_size, Counts<4>());
                    else
                        weight_group<Rows<kG3>, kSharedPoints>(taps.taps(group), from + v, tap, to + v,
                                                               point_size, Counts<3>());
        }
    if (strip > 0) return;
    for (Index point = 0; point < taps.points(); ++point) std::fill_n(p.out.panel(point, panel), width, 0.0f);
}

HWY_INLINE Vector sum_slices(const float* du, Index slices, Index slice_size) {
    const FloatTag d;
    Vector sum = hn::LoadU(d, du);
    for (Index slice = 1; slice < slices; ++slice) sum = hn::Add(sum, hn::LoadU(d, du + slice * slice_size));
    return sum;
}
HWY_INLINE void add(Vector x, float* to) {
    hn::StoreU(hn::Add(hn::LoadU(FloatTag(), to), x), FloatTag(), to);
}
template <class Matrix, int... kPoint, int... kTap>
HWY_INLINE void add_group(const TapGroups& taps, Index group, const float* du, Index slices, Index size,
                          Index begin, Index end, float* dw, std::integer_sequence<int, kPoint...>,
                          std::integer_sequence<int, kTap...>) {
    for (Index e = begin; e < end; e += kVector) {
        const Vector sum[] = {
            sum_slices(du + (kPoint * taps.count + group) * size + e, slices, taps.pairs() * size)...};
        ((kTap < taps.taps(group)
              ? add(row<Matrix, kTap, 0, sizeof...(kPoint)>(sum), dw + (taps.begin(group) + kTap) * size + e)
              : void()),
         ...);
    }
}
void weight_gradient(const TapGroups& taps, const float* du, Index slices, Index size, Index begin, Index end,
                     float* dw) {
    for (Index group = 0; group < taps.count; ++group)
        if (group < taps.fours)
            add_group<Columns<kG4>>(taps, group, du, slices, size, begin, end, dw, Counts<kPoints>(),
                                    Counts<4>());
        else
            add_group<Columns<kG3>>(taps, group, du, slices, size, begin, end, dw, Counts<kSharedPoints>(),
                                    Counts<3>());
}

}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr::cpu {

HWY_EXPORT(input);
HWY_EXPORT(output);
HWY_EXPORT(gradient);
HWY_EXPORT(weight);
HWY_EXPORT(weight_gradient);

void transform_input(const InputTransform& p) {
    HWY_DYNAMIC_DISPATCH(input)(p);
}
void transform_output(const OutputTransform& p) {
    HWY_DYNAMIC_DISPATCH(output)(p);
}
void transform_gradient(const GradientTransform& p) {
    HWY_DYNAMIC_DISPATCH(gradient)(p);
}
void transform_weight(const WeightTransform& p, Index strip, Index panel) {
    HWY_DYNAMIC_DISPATCH(weight)(p, strip, panel);
}
void add_weight_gradient(const TapGroups& taps, const float* du, Index slices, Index size, Index begin,
                         Index end, float* dw) {
    HWY_DYNAMIC_DISPATCH(weight_gradient)(taps, du, slices, size, begin, end, dw);
}

}  // namespace abr::cpu
#endif
