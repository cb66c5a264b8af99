#include "kernels/cpu/simd_levels.hpp"

// Highway includes this file once for each level.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/gemm_kernel.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h, as Highway wants it.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "kernels/cpu/gemm_kernel.hpp"
#include "kernels/cpu/simd_transpose.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
constexpr Index kLanes = static_cast<Index>(hn::MaxLanes(Tag<T>()));
static_assert(kLanes<float> <= kMaxLanes);

// Vectors of a panel of that many columns.
template <class T>
constexpr int panel_vectors(Index columns) {
    return columns <= kLanes<T> ? 1 : 2;
}

// Offsets of strided rows in order, dividing at the start only.
class RowCursor {
  public:
    RowCursor(const StridedRows& rows, Index row)
        : rows_(rows), in_block_(row % rows.per_block), block_(row / rows.per_block * rows.block_stride) {}
    Index next() {
        const Index offset = block_ + in_block_ * rows_.row_stride;
        if (++in_block_ == rows_.per_block) {
            in_block_ = 0;
            block_ += rows_.block_stride;
        }
        return offset;
    }

  private:
    StridedRows rows_;
    Index in_block_, block_;
};

// One register tile; I runs over its rows x kVectors accumulators. They are indexed by pack expansion only:
// GCC 12 keeps an array that is indexed in a loop in memory, even where it unrolls the loop.
template <int kVectors, class T, std::size_t... I>
HWY_INLINE void multiply_tile(const PanelProduct<T>& p, const Index* a_offset, const Index* c_offset,
                              std::index_sequence<I...>) {
    const Tag<T> d;
    using Vector = hn::Vec<Tag<T>>;
    constexpr Index kWidth = kVectors * kLanes<T>;

    // What is added to may be far away, and the sum takes long enough to fetch it.
    if (p.write == Write::accumulate)
        (hwy::Prefetch(p.c + c_offset[I / kVectors] + I % kVectors * kLanes<T>), ...);

    const T* const a[] = {p.a + a_offset[I / kVectors]...};
    const T* b = p.panel;
    Vector sum[] = {hn::LoadU(d, b + I % kVectors * kLanes<T>)...};
    b += kWidth;
    for (Index o = 0; o < p.outer; ++o) {
        Index at = o * p.outer_stride;
        for (Index i = 0; i < p.inner; ++i, at += p.inner_stride, b += kWidth) {
            const Vector b_row[] = {hn::LoadU(d, b), hn::LoadU(d, b + kWidth - kLanes<T>)};
            ((sum[I] = hn::MulAdd(hn::Set(d, a[I][at]), b_row[I % kVectors], sum[I])), ...);
        }
    }

    if (p.columns == kWidth) {
        T* const c[] = {p.c + c_offset[I / kVectors] + I % kVectors * kLanes<T>...};
        if (p.write == Write::accumulate) ((sum[I] = hn::Add(sum[I], hn::LoadU(d, c[I]))), ...);
        (hn::StoreU(sum[I], d, c[I]), ...);
        return;
    }
    HWY_ALIGN T buffer[sizeof...(I) * kLanes<T>];
    (hn::StoreU(sum[I], d, buffer + I * kLanes<T>), ...);
    for (Index r = 0; r < static_cast<Index>(sizeof...(I)) / kVectors; ++r) {
        const T* from = buffer + r * kWidth;
        T* to = p.c + c_offset[r];
        for (Index n = 0; n < std::min(p.columns, kWidth); ++n)
            to[n] = p.write == Write::accumulate ? to[n] + from[n] : from[n];
    }
}

// Multiplies a tile of `count` rows, a constant from here on.
template <int kVectors, class T, std::size_t... kLess>
HWY_INLINE void multiply_tile_of(Index count, const PanelProduct<T>& p, const Index* a_offset,
                                 const Index* c_offset, std::index_sequence<kLess...>) {
    ((count == kLess + 1
          ? multiply_tile<kVectors>(p, a_offset, c_offset, std::make_index_sequence<(kLess + 1) * kVectors>())
          : void()),
     ...);
}

template <int kVectors, class T>
void multiply_rows(const PanelProduct<T>& p, Index begin, Index end) {
    // 12 sums, which leave registers for a row of the panel and an element of A on every level and hide the latency of
    // a multiply-add.
    constexpr Index kRows = kVectors == 1 ? 12 : 6;
    static_assert(kTileRows % kRows == 0);
    RowCursor a_cursor(p.a_rows, begin), c_cursor(p.c_rows, begin);
    Index a_offset[kRows], c_offset[kRows];
    // Spread evenly: a last tile of one row would take as long as one of four.
    const Index rows = end - begin;
    const Index tiles = (rows + kRows - 1) / kRows;
    const Index least = tiles > 0 ? rows / tiles : 0, larger = rows - least * tiles;
    for (Index tile = 0; tile < tiles; ++tile) {
        const Index count = least + (tile < larger ? 1 : 0);
        for (Index r = 0; r < count; ++r) {
            a_offset[r] = a_cursor.next();
            c_offset[r] = c_cursor.next();
        }
        multiply_tile_of<kVectors>(count, p, a_offset, c_offset, std::make_index_sequence<kRows>());
    }
}

template <class T>
void multiply(const PanelProduct<T>& p, Index begin, Index end) {
    if (panel_vectors<T>(p.columns) == 1)
        multiply_rows<1>(p, begin, end);
    else
        multiply_rows<2>(p, begin, end);
}

template <int kVectors, class T>
void pack_rows(const PanelSource<T>& s, T* panel) {
    const Tag<T> d;
    constexpr Index kWidth = kVectors * kLanes<T>;
    const bool whole = s.columns == kWidth && s.column_stride == 1;
    T* to = panel;
    for (Index n = 0; n < kWidth; ++n) to[n] = T{0};
    if (s.first) std::copy_n(s.first, s.columns, to);
    to += kWidth;
    for (Index o = 0; o < s.outer; ++o) {
        const T* from = s.b + o * s.outer_stride;
        if (whole) {
            for (Index i = 0; i < s.inner; ++i, from += s.inner_stride, to += kWidth)
                for (Index n = 0; n < kWidth; n += kLanes<T>) hn::StoreU(hn::LoadU(d, from + n), d, to + n);
            continue;
        }
        // In blocks of rows, column by column: a transposition then reads each cache line once.
        constexpr Index kBlock = 16;
        for (Index begin = 0; begin < s.inner; begin += kBlock) {
            const Index rows = std::min(kBlock, s.inner - begin);
            Index n = 0;
            if (s.inner_stride == 1) {
                n = s.columns / 4 * 4;
                transpose(from + begin, s.column_stride, n, rows, to, kWidth);
            }
            for (; n < kWidth; ++n) {
                const T* column = from + begin * s.inner_stride + n * s.column_stride;
                for (Index i = 0; i < rows; ++i)
                    to[i * kWidth + n] = n < s.columns ? column[i * s.inner_stride] : T{0};
            }
            to += rows * kWidth;
        }
    }
}

template <class T>
void pack(const PanelSource<T>& s, T* panel) {
    if (panel_vectors<T>(s.columns) == 1)
        pack_rows<1>(s, panel);
    else
        pack_rows<2>(s, panel);
}

// I runs over adjacent vectors of columns.
template <class T, std::size_t... I>
HWY_INLINE void add_columns(const T* x, Index rows, Index stride, T* sums, std::index_sequence<I...>) {
    const Tag<T> d;
    hn::Vec<Tag<T>> sum[] = {hn::LoadU(d, sums + I * kLanes<T>)...};
    for (Index r = 0; r < rows; ++r, x += stride)
        ((sum[I] = hn::Add(sum[I], hn::LoadU(d, x + I * kLanes<T>))), ...);
    (hn::StoreU(sum[I], d, sums + I * kLanes<T>), ...);
}
template <class T>
void add(const T* x, Index rows, Index stride, Index columns, T* sums) {
    constexpr Index kMany = 8;
    Index n = 0;
    for (; n + kMany * kLanes<T> <= columns; n += kMany * kLanes<T>)
        add_columns(x + n, rows, stride, sums + n, std::make_index_sequence<kMany>());
    for (; n + kLanes<T> <= columns; n += kLanes<T>)
        add_columns(x + n, rows, stride, sums + n, std::make_index_sequence<1>());
    for (; n < columns; ++n)
        for (Index r = 0; r < rows; ++r) sums[n] += x[r * stride + n];
}

// Highway's table of levels takes functions, not templates.
void multiply_float(const PanelProduct<float>& p, Index begin, Index end) {
    multiply(p, begin, end);
}
void multiply_double(const PanelProduct<double>& p, Index begin, Index end) {
    multiply(p, begin, end);
}
void pack_float(const PanelSource<float>& s, float* panel) {
    pack(s, panel);
}
void pack_double(const PanelSource<double>& s, double* panel) {
    pack(s, panel);
}
void add_float(const float* x, Index rows, Index stride, Index columns, float* sums) {
    add(x, rows, stride, columns, sums);
}
void add_double(const double* x, Index rows, Index stride, Index columns, double* sums) {
    add(x, rows, stride, columns, sums);
}
Index columns_float() {
    return 2 * kLanes<float>;
}
Index columns_double() {
    return 2 * kLanes<double>;
}

}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr::cpu {

HWY_EXPORT(multiply_float);
HWY_EXPORT(multiply_double);
HWY_EXPORT(pack_float);
HWY_EXPORT(pack_double);
HWY_EXPORT(add_float);
HWY_EXPORT(add_double);
HWY_EXPORT(columns_float);
HWY_EXPORT(columns_double);

template <>
void multiply_panel(const PanelProduct<float>& p, Index begin, Index end) {
    HWY_DYNAMIC_DISPATCH(multiply_float)(p, begin, end);
}
template <>
void multiply_panel(const PanelProduct<double>& p, Index begin, Index end) {
    HWY_DYNAMIC_DISPATCH(multiply_double)(p, begin, end);
}
template <>
void pack_panel(const PanelSource<float>& s, float* panel) {
    HWY_DYNAMIC_DISPATCH(pack_float)(s, panel);
}
template <>
void pack_panel(const PanelSource<double>& s, double* panel) {
    HWY_DYNAMIC_DISPATCH(pack_double)(s, panel);
}
template <>
void add_rows(const float* x, Index rows, Index stride, Index columns, float* sums) {
    HWY_DYNAMIC_DISPATCH(add_float)(x, rows, stride, columns, sums);
}
template <>
void add_rows(const double* x, Index rows, Index stride, Index columns, double* sums) {
    HWY_DYNAMIC_DISPATCH(add_double)(x, rows, stride, columns, sums);
}
template <>
Index panel_columns<float>() {
    return HWY_DYNAMIC_DISPATCH(columns_float)();
}
template <>
Index panel_columns<double>() {
    return HWY_DYNAMIC_DISPATCH(columns_double)();
}

}  // namespace abr::cpu
#endif
