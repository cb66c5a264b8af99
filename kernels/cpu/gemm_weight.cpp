// Weight gradients: dw += A^T g over all rows of the batch.
//
// The rows are cut into chunks that stay in cache. Of each chunk, g is packed panel by panel, and of a, where
// it has many channels, strips of 16 channels: a tile's columns of a row-major matrix would otherwise use a few
// floats of each cache line, and rows at a power-of-two distance evict each other. Small gradients are
// split over slices of the batch, each with a gradient of its own, which are added up in order; large ones
// over their rows.
#include <algorithm>

#include "kernels/cpu/gemm.hpp"
#include "kernels/cpu/partial_sums.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr::cpu {
namespace {

// Slices together hold at most this many elements, so that adding them up stays cheap.
constexpr Index kSliceElements = Index{1} << 17;
// From this many channels on strips are packed; a chunk with fewer fits into the first-level cache as it is.
constexpr Index kPackedChannels = 128;
constexpr Index kPackedRows = 256;
constexpr Index kDirectElements = 4096;  // of a chunk of a that is read in place
constexpr Index kStripChannels = 16;     // a cache line of float
constexpr Index kMaxPanel = 2 * kMaxLanes;

// How the product is cut; a function of the shape alone.
struct Plan {
    bool packed;
    Index a_taps, g_taps;         // the taps move over a or over g
    Index target;                 // rows that a chunk may have
    Index samples, rows;          // of a chunk: either several samples or a piece of one
    Index pieces;                 // chunks of a sample, 1 if chunks hold whole samples
    Index chunks;                 // in all
    Index slices;                 // of the chunks
    Index units;                  // rows of dw of one tap of g, or strips of channels
    Index groups, column_groups;  // of the units and of the panels; a task packs its part of a and of g
    Index source_rows;            // packed rows of a for one sample of a chunk

    explicit Plan(const WeightShape& s) {
        packed = s.channels >= kPackedChannels;
        a_taps = s.a_dilation > 0 ? s.taps : 1;
        g_taps = s.taps / a_taps;
        target = packed ? kPackedRows : std::clamp<Index>(kDirectElements / s.channels, 32, 256);
        pieces = ceil_div(s.rows, target);
        set_chunk_rows(s, ceil_div(s.rows, pieces));
        samples = std::clamp<Index>(target / rows, 1, s.samples);
        chunks = pieces * ceil_div(s.samples, samples);
        units = packed ? ceil_div(s.channels, kStripChannels) : s.channels * a_taps;
        cut(s, std::clamp<Index>(kSliceElements / s.size(), 1, std::min(chunks, kTasks)));
    }
    // Into about kTasks tasks, in the way that packs least in all; what is read in place is not packed.
    void cut(const WeightShape& s, Index into_slices) {
        slices = into_slices;
        const Index tasks = ceil_div(kTasks, slices);
        const Index panels = ceil_div(s.columns, kMaxPanel);
        column_groups = 1;
        if (packed)
            while (2 * column_groups <= std::min(tasks, panels) &&
                   s.channels * column_groups < s.columns * ceil_div(tasks, 2 * column_groups))
                column_groups *= 2;
        groups = std::min(units, ceil_div(tasks, column_groups));
    }
    void set_chunk_rows(const WeightShape& s, Index chunk_rows) {
        rows = chunk_rows;
        source_rows = (rows - 1) * s.a_step + (s.taps - 1) * s.a_dilation + 1;
    }
    Index panel_size() const { return (1 + samples * rows) * kMaxPanel; }
    Index strip_size() const { return packed ? samples * source_rows * kStripChannels : 0; }
    Index task_size() const { return panel_size() + ceil_div(units, groups) * strip_size(); }
};

// One chunk's place in the batch.
struct Chunk {
    Index sample, samples, row, rows;
    Chunk(const Plan& plan, const WeightShape& s, Index index)
        : sample(index / plan.pieces * plan.samples),
          samples(std::min(plan.samples, s.samples - sample)),
          row(index % plan.pieces * plan.rows),
          rows(std::min(plan.rows, s.rows - row)) {}
};

// Adjacent channels of a, read in place or packed: row r of sample b of a chunk at data + b * sample + r * pitch.
template <class T>
struct Strip {
    const T* data;
    Index sample, pitch;
    Index channel, width;  // the first of them, and their number
};

template <Index kWidth, class T>
void copy_rows(const T* from, Index stride, Index rows, T* to) {
    for (Index r = 0; r < rows; ++r)
        for (Index i = 0; i < kWidth; ++i) to[r * kStripChannels + i] = from[r * stride + i];
}

// Copies the rows of a chunk that `strip` reads, from a in place.
template <class T>
void pack(const WeightShape& s, const Chunk& chunk, const Strip<T>& from, const Strip<T>& strip, T* to) {
    const Index rows = (chunk.rows - 1) * s.a_step + (s.taps - 1) * s.a_dilation + 1;
    for (Index b = 0; b < chunk.samples; ++b, to += strip.sample) {
        const T* sample = from.data + b * from.sample + strip.channel;
        if (strip.width == kStripChannels)
            copy_rows<kStripChannels>(sample, from.pitch, rows, to);
        else
            for (Index i = 0; i < strip.width; ++i) copy_rows<1>(sample + i, from.pitch, rows, to + i);
    }
}

// What a task computes: units and columns of dw, over some chunks of rows.
struct Part {
    Index chunk_begin, chunk_end, begin, end, column_begin, column_end;
};

template <class T>
void accumulate(const WeightProduct<T>& p, const Plan& plan, const Part& part, T* dw, Write write,
                T* workspace) {
    const WeightShape& s = p.shape;
    const Index full = panel_columns<T>();
    T* const panel = workspace;
    T* const strips = workspace + plan.panel_size();

    const auto [first, last, begin, end, column_begin, column_end] = part;
    for (Index index = first; index < last; ++index, write = Write::accumulate) {
        const Chunk chunk(plan, s, index);
        const Strip<T> in_place{p.a + chunk.sample * p.a_sample + chunk.row * s.a_step * s.channels,
                                p.a_sample, s.channels, 0, s.channels};
        const auto packed = [&](Index unit) -> Strip<T> {
            const Index channel = unit * kStripChannels;
            return {strips + (unit - begin) * plan.strip_size(), plan.source_rows * kStripChannels,
                    kStripChannels, channel, std::min(kStripChannels, s.channels - channel)};
        };
        if (plan.packed)
            for (Index u = begin; u < end; ++u)
                pack(s, chunk, in_place, packed(u), strips + (u - begin) * plan.strip_size());

        for (Index g_tap = 0; g_tap < plan.g_taps; ++g_tap)
            for (Index column = column_begin; column < column_end; column += full) {
                const Index columns = std::min(full, column_end - column);
                pack_panel<T>(
                    {.b = p.g + chunk.sample * p.g_sample + chunk.row * p.g_row + g_tap * p.g_tap + column,
                     .outer = chunk.samples,
                     .outer_stride = p.g_sample,
                     .inner = chunk.rows,
                     .inner_stride = p.g_row,
                     .columns = columns},
                    panel);
                // Rows of the strip's part of dw: its channels, for one tap of a after the other.
                const auto multiply = [&](const Strip<T>& strip, Index row_begin, Index row_end) {
                    multiply_panel<T>({.a = strip.data,
                                       .a_rows = {strip.width, s.a_dilation * strip.pitch, 1},
                                       .outer = chunk.samples,
                                       .outer_stride = strip.sample,
                                       .inner = chunk.rows,
                                       .inner_stride = s.a_step * strip.pitch,
                                       .panel = panel,
                                       .columns = columns,
                                       .c = dw + (g_tap * s.channels + strip.channel) * s.columns + column,
                                       .c_rows = {strip.width, s.channels * s.columns, s.columns},
                                       .write = write},
                                      row_begin, row_end);
                };
                if (!plan.packed) {
                    multiply(in_place, begin, end);
                    continue;
                }
                for (Index u = begin; u < end; ++u) multiply(packed(u), 0, packed(u).width * plan.a_taps);
            }
    }
}

}  // namespace

template <class T>
void accumulate_weight_product(Stream& stream, const WeightProduct<T>& p, T* workspace) {
    const Plan plan(p.shape);
    const Index size = p.shape.size();
    T* const partial = workspace;  // (slices, size) if there is more than one
    T* const slots = workspace + (plan.slices > 1 ? plan.slices * size : 0);

    const Index groups = plan.groups * plan.column_groups;
    const Index panels = ceil_div(p.shape.columns, kMaxPanel);
    stream.parallel_for(plan.slices * groups, [&](Index task, Index slot) {
        const Index slice = task / groups;
        const Index group = task % groups / plan.column_groups, columns = task % plan.column_groups;
        const Part part = {
            .chunk_begin = plan.chunks * slice / plan.slices,
            .chunk_end = plan.chunks * (slice + 1) / plan.slices,
            .begin = plan.units * group / plan.groups,
            .end = plan.units * (group + 1) / plan.groups,
            .column_begin = panels * columns / plan.column_groups * kMaxPanel,
            .column_end = std::min(p.shape.columns, panels * (columns + 1) / plan.column_groups * kMaxPanel)};
        const bool whole = plan.slices == 1;
        accumulate(p, plan, part, whole ? p.dw : partial + slice * size,
                   whole ? Write::accumulate : Write::overwrite, slots + slot * plan.task_size());
    });
    if (plan.slices > 1) add_partial_sums(stream, partial, plan.slices, size, size, p.dw);
}

Index weight_product_workspace(const WeightShape& shape) {
    Plan plan(shape);
    // An upper bound for every smaller number of samples and rows: with fewer rows a chunk may hold more of them, and
    // there may be fewer slices.
    plan.set_chunk_rows(shape, std::min(plan.target, shape.rows));
    Index size = 0;
    for (Index slices = plan.slices; slices > 0; --slices) {
        plan.cut(shape, slices);
        size = std::max(size, slices * (shape.size() + plan.groups * plan.column_groups * plan.task_size()));
    }
    return size;
}

template void accumulate_weight_product(Stream&, const WeightProduct<float>&, float*);
template void accumulate_weight_product(Stream&, const WeightProduct<double>&, double*);

}  // namespace abr::cpu
