#include "kernels/cpu/winograd.hpp"

#include <algorithm>

#include "kernels/cpu/gemm.hpp"
#include "kernels/cpu/winograd_kernel.hpp"

namespace abr::cpu {
namespace {

// Shorter sums would lose accuracy to the transforms (160 products: 2.3 times the error of a naive sum).
constexpr Index kMinKernel = 7;
constexpr Index kMinRows = 384;  // summed by a weight gradient
// Fewer channels, input times output, cost more time in the transforms than the products saved.
constexpr Index kMinSize = 32 * 32;
// Tiles that a task transforms at a time. A forward pass keeps them in the first-level cache; a weight gradient, whose
// sums are as long as its blocks, holds more, in a part of the second-level cache.
constexpr Index kForwardBlock = 48;
constexpr Index kMinWeightBlock = 24, kMaxWeightBlock = 96, kWeightBlockElements = Index{1} << 17;
// Slices of a weight gradient together hold at most this many elements.
constexpr Index kSliceElements = Index{1} << 19;
constexpr Index kMinSlice = 64;  // tiles
constexpr Index kMaxPanel = 2 * kMaxLanes;
constexpr Index kElements = kStrip * 64;  // of weights that a task transforms

Index tiles_of(Index length) {
    return ceil_div(length, kTileOutputs);
}
// Upper bound of the elements of PointPanels at every level.
Index panels_size(Index points, Index rows, Index columns) {
    return points * (1 + rows) * ceil_div(columns, kMaxPanel) * kMaxPanel;
}
PointPanels point_panels(float* data, Index rows, Index columns) {
    return {data, rows, columns, panel_columns<float>()};
}

// How a convolution is cut.
struct ForwardPlan {
    TapGroups taps;
    Index weights;    // elements of all transformed weights
    Index tile_size;  // elements of a tile, transformed
    Index limit;      // tiles of a block at most
    ForwardPlan(Index kernel, Index in, Index out, Index tiles)
        : taps(kernel),
          weights(panels_size(taps.points(), taps.count * in, out)),
          tile_size(taps.pairs() * in + taps.points() * out),
          limit(std::min(kForwardBlock, tiles)) {}
    Index workspace() const { return weights + kTasks * limit * tile_size; }
};

// How a weight gradient is cut: slices of the tiles, groups of the strips of x and of the panels of dy. A task transforms
// its part of both.
struct WeightPlan {
    TapGroups taps;
    Index strips, panels, size;  // of x and of dy, and elements of a transformed gradient
    Index slices, groups = 1, column_groups = 1, limit = 1;
    WeightPlan(Index kernel, Index in, Index out, Index tiles)
        : taps(kernel),
          strips(in / kStrip),
          panels(ceil_div(out, kMaxPanel)),
          size(taps.pairs() * in * out),
          slices(std::clamp<Index>(kSliceElements / size, 1, std::min(kTasks, ceil_div(tiles, kMinSlice)))) {
        cut(tiles);
    }
    // Into about kTasks tasks, in the way that transforms least in all.
    void cut(Index tiles) {
        const Index tasks = ceil_div(kTasks, slices);
        const Index x = taps.pairs() * strips * kStrip, dy = taps.points() * panels * kMaxPanel;
        for (column_groups = 1; 2 * column_groups <= std::min(tasks, panels) &&
                                x * column_groups < dy * ceil_div(tasks, 2 * column_groups);)
            column_groups *= 2;
        groups = std::min(strips, ceil_div(tasks, column_groups));
        const Index tile_size = x_size() + taps.points() * columns();
        limit =
            std::min(tiles, std::clamp(kWeightBlockElements / tile_size, kMinWeightBlock, kMaxWeightBlock));
    }
    Index columns() const { return ceil_div(panels, column_groups) * kMaxPanel; }  // of a task at most
    Index x_size() const { return taps.pairs() * ceil_div(strips, groups) * kStrip; }
    Index task_size() const { return x_size() * limit + panels_size(taps.points(), limit, columns()); }
    // For this and every smaller number of slices.
    Index workspace(Index tiles) const {
        Index most = 0;
        for (WeightPlan plan = *this; plan.slices > 0; --plan.slices) {
            plan.cut(tiles);
            most = std::max(most, plan.slices * (size + plan.groups * plan.column_groups * plan.task_size()));
        }
        return most;
    }
};

// y[b,t] = bias + sum_k x[b, first_row + t + k] * w[k].
void convolve_from(Stream& stream, Index kernel, Index first_row, Sequence<const float> x,
                   const WeightView<float>& w, const float* bias, Sequence<float> y, Write write,
                   float* workspace) {
    const Index in = x.channels, out = y.channels, strips = in / kStrip;
    const Index per_sample = tiles_of(y.length), tiles = y.batch * per_sample;
    const ForwardPlan plan(kernel, in, out, tiles);
    const TapGroups& taps = plan.taps;
    const PointPanels weights = point_panels(workspace, taps.count * in, out);
    const Index panels = weights.panels();
    stream.parallel_for(strips * panels, [&](Index task) {
        transform_weight({taps, w, in, weights}, task / panels, task % panels);
    });

    float* const slots = workspace + plan.weights;
    const Index blocks = std::max(ceil_div(tiles, plan.limit), std::min(tiles, kTasks));
    const Index tasks = std::min(blocks, kTasks);
    stream.parallel_for(tasks, [&](Index task, Index slot) {
        float* const v = slots + slot * plan.limit * plan.tile_size;
        for (Index block = blocks * task / tasks; block < blocks * (task + 1) / tasks; ++block) {
            const Index begin = tiles * block / blocks, count = tiles * (block + 1) / blocks - begin;
            const Tiles part = {per_sample, begin, count};
            transform_input({x, taps, part, first_row, 0, strips, v});
            float* const m = v + taps.pairs() * in * count;
            for (Index point = 0; point < taps.points(); ++point)
                for (Index index = 0; index < panels; ++index)
                    multiply_panel<float>({.a = v + point * taps.count * in * count,
                                           .a_rows = {count, 0, kStrip},
                                           .outer = taps.groups(point) * strips,
                                           .outer_stride = count * kStrip,
                                           .inner = kStrip,
                                           .panel = weights.panel(point, index),
                                           .columns = weights.width(index),
                                           .c = m + point * count * out + index * weights.full,
                                           .c_rows = {count, 0, out}},
                                          0, count);
            transform_output({m, taps.points(), part, bias, y, write});
        }
    });
}

}  // namespace

bool winograd_suits(const Windows& w, Index in_channels, Index out_channels) {
    return w.stride == 1 && w.dilation == 1 && w.kernel >= kMinKernel && w.padding < w.kernel &&
           in_channels % kStrip == 0 && out_channels % kStrip == 0 && in_channels * out_channels >= kMinSize;
}

bool winograd_suits_weight_gradient(const Windows& w, Index in_channels, Index out_channels, Index rows) {
    return winograd_suits(w, in_channels, out_channels) && rows >= kMinRows;
}

Index winograd_workspace(const Windows& w, Index in_channels, Index out_channels, Index batch,
                         Index out_length) {
    if (!winograd_suits(w, in_channels, out_channels)) return 0;
    // The data gradient has as many rows as x.
    const Index tiles = batch * tiles_of(out_length + w.kernel - 1);
    return std::max({ForwardPlan(w.kernel, in_channels, out_channels, tiles).workspace(),
                     ForwardPlan(w.kernel, out_channels, in_channels, tiles).workspace(),
                     WeightPlan(w.kernel, in_channels, out_channels, tiles).workspace(tiles)});
}

void winograd_convolve(Stream& stream, const Windows& w, Sequence<const float> x,
                       const WeightView<float>& weight, const float* bias, Sequence<float> y, Write write,
                       float* workspace) {
    convolve_from(stream, w.kernel, -w.padding, x, weight, bias, y, write, workspace);
}

void winograd_convolve_transposed(Stream& stream, const Windows& w, Sequence<const float> x,
                                  const WeightView<float>& weight, const float* bias, Sequence<float> y,
                                  Write write, float* workspace) {
    const Index last = w.kernel - 1;
    const WeightView<float> reversed = {weight.data + last * weight.tap, -weight.tap, weight.in, weight.out};
    convolve_from(stream, w.kernel, w.padding - last, x, reversed, bias, y, write, workspace);
}

void winograd_weight_gradient(Stream& stream, const Windows& w, Sequence<const float> x,
                              Sequence<const float> dy, float* dw, float* workspace) {
    const Index in = x.channels, out = dy.channels;
    const Index per_sample = tiles_of(dy.length), tiles = dy.batch * per_sample;
    const WeightPlan plan(w.kernel, in, out, tiles);
    const TapGroups& taps = plan.taps;

    float* const partial = workspace;  // (slices, pairs, in, out)
    float* const slots = workspace + plan.slices * plan.size;
    const Index parts = plan.groups * plan.column_groups;
    stream.parallel_for(plan.slices * parts, [&](Index task, Index slot) {
        const Index slice = task / parts, group = task % parts / plan.column_groups;
        const Index column_group = task % plan.column_groups;
        const Index strip = plan.strips * group / plan.groups;
        const Index rows = plan.strips * (group + 1) / plan.groups * kStrip - strip * kStrip;
        const Index column = plan.panels * column_group / plan.column_groups * kMaxPanel;
        const Index columns =
            std::min(out, plan.panels * (column_group + 1) / plan.column_groups * kMaxPanel) - column;
        const Index first = tiles * slice / plan.slices, end = tiles * (slice + 1) / plan.slices;
        const Index blocks = ceil_div(end - first, plan.limit);
        float* const v = slots + slot * plan.task_size();
        for (Index block = 0; block < blocks; ++block) {
            const Index begin = first + (end - first) * block / blocks;
            const Index count = first + (end - first) * (block + 1) / blocks - begin;
            const Tiles part = {per_sample, begin, count};
            transform_input({x, taps, part, -w.padding, strip * kStrip, rows / kStrip, v});
            const PointPanels d = point_panels(v + taps.pairs() * rows * count, count, columns);
            transform_gradient({dy, taps.points(), part, column, d});
            for (Index point = 0; point < taps.points(); ++point)
                for (Index index = 0; index < d.panels(); ++index)
                    for (Index tap_group = 0; tap_group < taps.groups(point); ++tap_group) {
                        const Index pair = point * taps.count + tap_group;
                        multiply_panel<float>(
                            {.a = v + pair * rows * count,
                             .a_rows = {kStrip, count * kStrip, 1},
                             .inner = count,
                             .inner_stride = kStrip,
                             .panel = d.panel(point, index),
                             .columns = d.width(index),
                             .c = partial + slice * plan.size + (pair * in + strip * kStrip) * out + column +
                                  index * d.full,
                             .c_rows = {rows, 0, out},
                             .write = block == 0 ? Write::overwrite : Write::accumulate},
                            0, rows);
                    }
        }
    });
    const Index size = in * out;
    stream.parallel_for(ceil_div(size, kElements), [&](Index task) {
        add_weight_gradient(taps, partial, plan.slices, size, task * kElements,
                            std::min(size, (task + 1) * kElements), dw);
    });
}

}  // namespace abr::cpu
