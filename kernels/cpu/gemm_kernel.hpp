// The inner kernel of every matrix product on the CPU: rows of A times one packed panel of B.
//
//   c(r)[n] (=, +=) panel[0][n] + sum_{o,i} a(r)[o * outer_stride + i * inner_stride] * panel[1 + o * inner +
//   i][n]
//
// for rows r in [begin, end) and n < columns. The rows of A may overlap: the windows of a convolution are
// rows whose stride is less than their size. The sum runs in the order of o, i with fused multiply-adds where
// the SIMD level has them, so that a row's bits depend neither on its place nor on its neighbours.
//
// The SIMD level is chosen at run time (Google Highway); packing and multiplying must happen at the same
// level.
#pragma once

#include "kernels/view.hpp"

namespace abr::cpu {

// A multiple of the rows of a register tile; who cuts rows apart chooses multiples of it.
inline constexpr Index kTileRows = 12;
// Upper bound of the elements of a vector, whatever the level and type.
inline constexpr Index kMaxLanes = 16;

// Row r starts at (r / per_block) * block_stride + (r % per_block) * row_stride.
struct StridedRows {
    Index per_block = 1;
    Index block_stride = 0;
    Index row_stride = 0;
};

template <class T>
struct PanelProduct {
    const T* a = nullptr;
    StridedRows a_rows = {};
    Index outer = 1, outer_stride = 0;
    Index inner = 1, inner_stride = 1;
    const T* panel = nullptr;  // packed, 1 + outer * inner rows
    Index columns = 0;         // 1 ... panel_columns()
    T* c = nullptr;
    StridedRows c_rows = {};
    Write write = Write::overwrite;
};
template <class T>
void multiply_panel(const PanelProduct<T>&, Index begin, Index end);

// Columns of a full panel: two vectors. The last panel of a matrix may have less.
template <class T>
Index panel_columns();
// Upper bound of the elements that all panels of a matrix of `depth` rows take together, one after the other.
inline constexpr Index packed_size(Index depth, Index columns) {
    return (1 + depth) * ((columns + kMaxLanes - 1) / kMaxLanes * kMaxLanes);
}

// A panel's content: row 0 is `first` (zeros if null), row 1 + o * inner + i holds in column n
// b[o * outer_stride + i * inner_stride + n * column_stride]. Columns up to the next vector are zero.
template <class T>
struct PanelSource {
    const T* first = nullptr;
    const T* b = nullptr;
    Index outer = 1, outer_stride = 0;
    Index inner = 1, inner_stride = 0;
    Index columns = 0, column_stride = 1;
};
template <class T>
void pack_panel(const PanelSource<T>&, T* panel);

// sums[n] += sum over r < rows, in order, of x[r * stride + n] for n < columns.
template <class T>
void add_rows(const T* x, Index rows, Index stride, Index columns, T* sums);

}  // namespace abr::cpu
