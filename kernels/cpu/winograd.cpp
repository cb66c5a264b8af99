#include "kernels/cpu/winograd.hpp"

#include <algorithm>
#include <cassert>

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
constexpr Index kForwardBlock = 24;
constexpr Index kMinWeightBlock = 24, kMaxWeightBlock = 48, kWeightBlockElements = Index{1} << 17;
// Slices of a weight gradient together hold at most this many elements.
constexpr Index kSliceElements = Index{1} << 20;
constexpr Index kMinSlice = 64;  // tiles
constexpr Index kMaxPanel = 2 * kMaxLanes;
constexpr Index kElements = kStrip * 64;  // of weights that a task transforms

Index tiles_of(Index length) {
    return ceil_div(length, kTileOutputs);
}
// Of a matrix's panels, row 0 included.
Index panels_size(Index rows, Index columns) {
    return ceil_div(columns, panel_columns<float>()) * panel_columns<float>() * (1 + rows);
}

// How a convolution is cut.
struct ForwardPlan {
    TapGroups taps;
    Index tile_size;  // elements of a tile, transformed
    Index limit;      // tiles of a block at most
    Index weights;    // elements of all transformed weights
    ForwardPlan(Index kernel, Index in, Index out, Index tiles)
        : taps(kernel),
          tile_size(taps.pairs() * in + taps.points() * out),
          limit(std::min(kForwardBlock, tiles)),
          weights(taps.pairs() * in * out) {}
    Index packed(Index in, Index out) const {
        return ceil_div(out, kMaxPanel) * kMaxPanel * (taps.pairs() * in + taps.points());
    }
    Index workspace(Index in, Index out) const {
        return weights + packed(in, out) + kTasks * limit * tile_size;
    }
};

// How a weight gradient is cut: slices of the tiles, and groups of the strips of x.
struct WeightPlan {
    TapGroups taps;
    Index strips, size;  // of x, and elements of a transformed gradient
    Index slices, groups = 1, limit = 1;
    Index columns;
    WeightPlan(Index kernel, Index in, Index out, Index tiles)
        : taps(kernel),
          strips(in / kStrip),
          size(taps.pairs() * in * out),
          slices(std::clamp<Index>(kSliceElements / size, 1, std::min(kTasks, ceil_div(tiles, kMinSlice)))),
          columns(out) {
        cut(tiles);
    }
    void cut(Index tiles) {
        groups = std::min(strips, ceil_div(kTasks, slices));
        const Index tile_size = x_size() + taps.points() * columns;
        limit =
            std::min(tiles, std::clamp(kWeightBlockElements / tile_size, kMinWeightBlock, kMaxWeightBlock));
    }
    Index x_size() const { return taps.pairs() * ceil_div(strips, groups) * kStrip; }
    Index task_size() const {
        return x_size() * limit + taps.points() * (1 + limit) * ceil_div(columns, kMaxPanel) * kMaxPanel;
    }
    // For this and every smaller number of slices.
    Index workspace(Index tiles) const {
        Index most = 0;
        for (WeightPlan plan = *this; plan.slices > 0; --plan.slices) {
            plan.cut(tiles);
            most = std::max(most, plan.slices * (size + plan.groups * plan.task_size()));
        }
        return most;
    }
};

// y[b,t] = bias + sum_k x[b, first_row + t + k] * w[k].
void convolve_from(Stream& stream, Index kernel, Index first_row, Sequence<const float> x,
                   const WeightView<float>& w, const float* bias, Sequence<float> y, Write write,
                   float* workspace) {
    assert(x.batch == y.batch && x.pad >= -first_row);
    const Index in = x.channels, out = y.channels, size = in * out;
    const Index per_sample = tiles_of(y.length), tiles = y.batch * per_sample;
    const ForwardPlan plan(kernel, in, out, tiles);
    const TapGroups& taps = plan.taps;
    const Index full = panel_columns<float>(), panels = ceil_div(out, full);

    float* const u = workspace;
    stream.parallel_for(ceil_div(size, kElements), [&](Index task) {
        transform_weight(taps, w.data, w.tap, size, task * kElements, std::min(size, (task + 1) * kElements),
                         u);
    });
    float* const packed = u + plan.weights;
    const auto panel = [&](Index point, Index index) {
        const Index rows = taps.groups(point) * in;
        return packed + point * panels_size(taps.count * in, out) + index * full * (1 + rows);
    };
    const auto columns = [&](Index index) { return std::min(full, out - index * full); };
    stream.parallel_for(taps.points() * panels, [&](Index task) {
        const Index point = task / panels, index = task % panels;
        pack_panel<float>({.b = u + point * taps.count * size + index * full * w.out,
                           .outer = taps.groups(point),
                           .outer_stride = size,
                           .inner = in,
                           .inner_stride = w.in,
                           .columns = columns(index),
                           .column_stride = w.out},
                          panel(point, index));
    });

    float* const slots = packed + plan.packed(in, out);
    const Index blocks = std::max(ceil_div(tiles, plan.limit), std::min(tiles, kTasks));
    const Index tasks = std::min(blocks, kTasks);
    const Index strips = in / kStrip;
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
                                           .panel = panel(point, index),
                                           .columns = columns(index),
                                           .c = m + point * count * out + index * full,
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
    return std::max(
        {ForwardPlan(w.kernel, in_channels, out_channels, tiles).workspace(in_channels, out_channels),
         ForwardPlan(w.kernel, out_channels, in_channels, tiles).workspace(out_channels, in_channels),
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
    assert(x.batch == dy.batch && x.pad >= w.padding);
    const Index in = x.channels, out = dy.channels;
    const Index per_sample = tiles_of(dy.length), tiles = dy.batch * per_sample;
    const WeightPlan plan(w.kernel, in, out, tiles);
    const TapGroups& taps = plan.taps;
    const Index full = panel_columns<float>(), panels = ceil_div(out, full);

    float* const partial = workspace;  // (slices, pairs, in, out)
    float* const slots = workspace + plan.slices * plan.size;
    stream.parallel_for(plan.slices * plan.groups, [&](Index task, Index slot) {
        const Index slice = task / plan.groups, group = task % plan.groups;
        const Index strip = plan.strips * group / plan.groups;
        const Index strips = plan.strips * (group + 1) / plan.groups - strip;
        const Index first = tiles * slice / plan.slices, end = tiles * (slice + 1) / plan.slices;
        const Index blocks = ceil_div(end - first, plan.limit);
        float* const v = slots + slot * plan.task_size();
        for (Index block = 0; block < blocks; ++block) {
            const Index begin = first + (end - first) * block / blocks;
            const Index count = first + (end - first) * (block + 1) / blocks - begin;
            const Tiles part = {per_sample, begin, count};
            transform_input({x, taps, part, -w.padding, strip * kStrip, strips, v});
            float* const d = v + taps.pairs() * strips * kStrip * count;
            transform_gradient({dy, taps.points(), part, d});
            for (Index point = 0; point < taps.points(); ++point)
                for (Index index = 0; index < panels; ++index)
                    for (Index tap_group = 0; tap_group < taps.groups(point); ++tap_group) {
                        const Index pair = point * taps.count + tap_group;
                        multiply_panel<float>({.a = v + pair * strips * kStrip * count,
                                               .a_rows = {kStrip, count * kStrip, 1},
                                               .inner = count,
                                               .inner_stride = kStrip,
                                               .panel = d + (point * panels + index) * (1 + count) * full,
                                               .columns = std::min(full, out - index * full),
                                               .c = partial + slice * plan.size +
                                                    (pair * in + strip * kStrip) * out + index * full,
                                               .c_rows = {strips * kStrip, 0, out},
                                               .write = block == 0 ? Write::overwrite : Write::accumulate},
                                              0, strips * kStrip);
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
