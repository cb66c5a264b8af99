#include "kernels/cpu/gemm.hpp"

#include <algorithm>

#include "kernels/cpu/partial_sums.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr::cpu {
// Rows of a task of multiply_rows: its windows stay in cache while one panel after the other passes.
static constexpr Index kGroupRows = 16 * kTileRows;

template <class T>
void multiply_rows(Stream& stream, const RowProduct<T>& p, T* workspace) {
    const Index full = panel_columns<T>();
    const Index panels = ceil_div(p.columns, full);
    const Index stride = full * (1 + p.taps * p.channels);
    const auto columns = [&](Index panel) { return std::min(full, p.columns - panel * full); };

    const auto pack = [&](Index panel) {
        pack_panel<T>({.first = p.bias ? p.bias + panel * full : nullptr,
                       .b = p.weight + panel * full * p.w_out,
                       .outer = p.taps,
                       .outer_stride = p.w_tap,
                       .inner = p.channels,
                       .inner_stride = p.w_in,
                       .columns = columns(panel),
                       .column_stride = p.w_out},
                      workspace + panel * stride);
    };
    const bool contiguous = p.tap_stride == p.channels;
    const auto multiply = [&](Index panel, Index begin, Index end) {
        multiply_panel<T>({.a = p.a,
                           .a_rows = p.a_rows,
                           .outer = contiguous ? 1 : p.taps,
                           .outer_stride = p.tap_stride,
                           .inner = contiguous ? p.taps * p.channels : p.channels,
                           .inner_stride = 1,
                           .panel = workspace + panel * stride,
                           .columns = columns(panel),
                           .c = p.c + panel * full,
                           .c_rows = p.c_rows,
                           .write = p.write},
                          begin, end);
    };

    const Index groups = ceil_div(p.rows, kGroupRows);
    if (groups <= 1) {
        stream.parallel_for(panels, [&](Index panel) {
            pack(panel);
            multiply(panel, 0, p.rows);
        });
        return;
    }
    stream.parallel_for(panels, pack);
    const Index parts = std::min(panels, ceil_div(kTasks, groups));  // of the panels
    stream.parallel_for(groups * parts, [&](Index task) {
        const Index group = task / parts, part = task % parts;
        for (Index panel = panels * part / parts; panel < panels * (part + 1) / parts; ++panel)
            multiply(panel, group * kGroupRows, std::min(p.rows, (group + 1) * kGroupRows));
    });
}

template void multiply_rows(Stream&, const RowProduct<float>&, float*);
template void multiply_rows(Stream&, const RowProduct<double>&, double*);

template <class T>
void accumulate_column_sums(Stream& stream, Sequence<const T> x, T* sums, T* workspace) {
    const Index slices = std::min(kTasks, x.batch);
    stream.parallel_for(slices, [&](Index slice) {
        T* partial = workspace + slice * x.channels;
        std::fill_n(partial, x.channels, T{0});
        const Index begin = x.batch * slice / slices, end = x.batch * (slice + 1) / slices;
        // Samples without rows between them are one.
        const Index samples = x.pad == 0 ? 1 : end - begin, rows = (end - begin) * x.length / samples;
        for (Index b = begin; b < begin + samples; ++b)
            add_rows<T>(x.row(b, 0), rows, x.channels, x.channels, partial);
    });
    add_partial_sums(stream, workspace, slices, x.channels, x.channels, sums);
}

Index column_sums_workspace(Index samples, Index columns) {
    return std::min(kTasks, samples) * columns;
}

template void accumulate_column_sums(Stream&, Sequence<const float>, float*, float*);
template void accumulate_column_sums(Stream&, Sequence<const double>, double*, double*);

}  // namespace abr::cpu
