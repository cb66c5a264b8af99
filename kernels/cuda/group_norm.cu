// GroupNorm of kernels/norm.hpp. A block takes whole groups of one sample, side by side so that it reads full sectors
// of memory, and keeps them in shared memory over its passes: each tensor is read once and written once. Bound by
// memory. Of a group that does not fit, the first rows are kept and the others read again.
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/gelu.cuh"
#include "kernels/cuda/norm_plan.hpp"
#include "kernels/cuda/padding.cuh"
#include "kernels/cuda/partial_sums.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/wide.cuh"
#include "kernels/norm.hpp"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kSector = 8;   // floats that memory moves at least
constexpr int kTile = 4096;  // floats of a tensor that a block keeps, at most

// What a block works on.
struct Part {
    int groups;     // whole groups of a block
    int per_group;  // channels
    int width;      // channels of a block
    int held;       // rows that are kept in shared memory
    int parts;      // blocks of a sample

    Part(const GroupNorm& op, Index length) : per_group(static_cast<int>(op.channels / op.groups)) {
        const int all = static_cast<int>(op.groups);
        groups = 1;
        while (groups < all && (all % groups != 0 || groups * per_group < kSector)) ++groups;
        width = groups * per_group;
        parts = all / groups;
        held = static_cast<int>(length < kTile / width ? length : kTile / width);
    }
    std::size_t tile_and_tables(int tiles, int tables) const {
        return (static_cast<std::size_t>(tiles) * held + tables) * width * sizeof(float);
    }
    __device__ Index sample() const { return blockIdx.x / static_cast<unsigned>(parts); }
    __device__ int index() const { return static_cast<int>(blockIdx.x) % parts; }
};

// f(g, c) for each group of the block, by one warp each; c is the group's first channel within the block.
template <class F>
__device__ inline void for_each_group(const Part& part, const F& f) {
    for (int g = warp_index(); g < part.groups; g += kThreads / kWarpSize) f(g, g * part.per_group);
}

// Sum of value(c) over the channels of a group, by a warp.
template <class Value>
__device__ inline float group_sum(const Part& part, int first, const Value& value) {
    float sum = 0;
    for (int c = first + lane_index(); c < first + part.per_group; c += kWarpSize) sum += value(c);
    return warp_sum(sum);
}

// z = (x - mean) * slope + offset: normalisation, affine map and FiLM in one. `gain` is 1 + gamma.
struct Affine {
    float gain, slope, offset;

    template <class Arguments>
    __device__ Affine(const Arguments& a, Index b, Index c, float rstd) {
        const Index channels = a.x.channels;
        gain = a.film ? 1.0f + a.film[b * 2 * channels + c] : 1.0f;
        slope = rstd * a.weight[c] * gain;
        offset = a.bias[c] * gain;
        if (a.film) offset += a.film[b * 2 * channels + channels + c];
    }
};

template <int kWide>
__global__ void __launch_bounds__(kThreads)
    group_norm_forward_kernel(GroupNorm op, Part part, GroupNormForward<float> a) {
    DEVICE_SHARED(partial, float[kColumnSumsShared<kThreads, kWide>]);
    DEVICE_DYN_SHARED(float, tile);  // (held, width)
    float* const centre = tile + part.held * part.width;
    float* const slope = centre + part.width;
    float* const offset = slope + part.width;
    const Index b = part.sample();
    const Index begin = Index{part.index()} * part.width;
    const int rows = static_cast<int>(a.x.length);
    const int columns = part.width / kWide;
    const float* const x = a.x.row(b, 0) + begin;
    const float count = static_cast<float>(part.per_group) * static_cast<float>(rows);
    const auto value = [&](int row, int c) {
        return Wide<kWide>::load(row < part.held ? tile + row * part.width + c : x + row * op.channels + c);
    };

    column_sums<kThreads, kWide>(
        rows, columns, partial,
        [&](int row, int column, float(&sums)[kWide]) {
            const int c = column * kWide;
            const auto v = Wide<kWide>::load(x + row * op.channels + c);
            if (row < part.held) v.store(tile + row * part.width + c);
            for (int k = 0; k < kWide; ++k) sums[k] += v.v[k];
        },
        [&](int column, int k, float total) { slope[column * kWide + k] = total; });
    for_each_group(part, [&](int g, int first) {
        const float mean = group_sum(part, first, [&](int c) { return slope[c]; }) / count;
        for (int c = first + lane_index(); c < first + part.per_group; c += kWarpSize) centre[c] = mean;
        if (lane_index() == 0) a.mean[b * op.groups + begin / part.per_group + g] = mean;
    });
    __syncthreads();

    column_sums<kThreads, kWide>(
        rows, columns, partial,
        [&](int row, int column, float(&sums)[kWide]) {
            const int c = column * kWide;
            const auto v = value(row, c);
            const auto mean = Wide<kWide>::load(centre + c);
            for (int k = 0; k < kWide; ++k) sums[k] += (v.v[k] - mean.v[k]) * (v.v[k] - mean.v[k]);
        },
        [&](int column, int k, float total) { slope[column * kWide + k] = total; });
    for_each_group(part, [&](int g, int first) {
        const float variance = group_sum(part, first, [&](int c) { return slope[c]; }) / count;
        const float rstd = 1.0f / std::sqrt(variance + static_cast<float>(kNormEpsilon));
        for (int c = first + lane_index(); c < first + part.per_group; c += kWarpSize) {
            const Affine affine(a, b, begin + c, rstd);
            slope[c] = affine.slope;
            offset[c] = affine.offset;
        }
        if (lane_index() == 0) a.rstd[b * op.groups + begin / part.per_group + g] = rstd;
    });
    __syncthreads();

    const DropoutFactors dropout(a.dropout);
    for_each_element<kThreads>(rows, columns, [&](int row, int column) {
        const int c = column * kWide;
        auto v = value(row, c);
        const auto mean = Wide<kWide>::load(centre + c);
        const auto slopes = Wide<kWide>::load(slope + c);
        const auto offsets = Wide<kWide>::load(offset + c);
        for (int k = 0; k < kWide; ++k) v.v[k] = (v.v[k] - mean.v[k]) * slopes.v[k] + offsets.v[k];
        if (a.residual.data) {
            const auto residual = Wide<kWide>::load(a.residual.row(b, row) + begin + c);
            for (int k = 0; k < kWide; ++k) v.v[k] += residual.v[k];
        }
        if (op.gelu)
            for (int k = 0; k < kWide; ++k) v.v[k] = gelu(v.v[k]);
        if (dropout.on()) {
            const auto factor = dropout_factors<kWide>(dropout, b, row * op.channels + begin + c);
            for (int k = 0; k < kWide; ++k) v.v[k] *= factor.v[k];
        }
        v.store(a.y.row(b, row) + begin + c);
    });
    zero_padding(a.y, b, begin, part.width, static_cast<int>(threadIdx.x), kThreads);
}

// dx = dz * slope - constant - scale * (x - mean), where dz is the gradient with respect to z and, for a group of n
// elements, constant = sum(dz * slope) / n and scale = rstd^2 * sum(dz * slope * (x - mean)) / n. dz of the rows that
// are not kept waits in dx.
template <int kWide>
__global__ void __launch_bounds__(kThreads, 4)
    group_norm_backward_kernel(GroupNorm op, Part part, GroupNormBackward<float> a) {
    DEVICE_SHARED(partial, float[kColumnSumsShared<kThreads, 2 * kWide>]);
    DEVICE_DYN_SHARED(float, dz_tile);  // (held, width), and x - mean behind it
    float* const centred_tile = dz_tile + part.held * part.width;
    float* const centre = centred_tile + part.held * part.width;
    float* const slope = centre + part.width;
    float* const offset = slope + part.width;
    float* const constant = offset;  // when z is no longer wanted
    float* const scale = offset + part.width;
    float* const sum = scale + part.width;
    float* const moment = sum + part.width;
    const Index b = part.sample();
    const Index begin = Index{part.index()} * part.width;
    const Index first_group = b * op.groups + begin / part.per_group;
    const int rows = static_cast<int>(a.x.length);
    const int columns = part.width / kWide;
    const float count = static_cast<float>(part.per_group) * static_cast<float>(rows);
    const auto centred_at = [&](int row, int c) {
        auto v = Wide<kWide>::load(a.x.row(b, row) + begin + c);
        const auto mean = Wide<kWide>::load(centre + c);
        for (int k = 0; k < kWide; ++k) v.v[k] -= mean.v[k];
        return v;
    };

    for (int c = static_cast<int>(threadIdx.x); c < part.width; c += kThreads) {
        const Affine affine(a, b, begin + c, a.rstd[first_group + c / part.per_group]);
        centre[c] = a.mean[first_group + c / part.per_group];
        slope[c] = affine.slope;
        offset[c] = affine.offset;
    }
    __syncthreads();

    const DropoutFactors dropout(a.dropout);
    column_sums<kThreads, 2 * kWide>(
        rows, columns, partial,
        [&](int row, int column, float(&sums)[2 * kWide]) {
            const int c = column * kWide;
            const auto centred = centred_at(row, c);
            auto dz = Wide<kWide>::load(a.dy.row(b, row) + begin + c);
            if (dropout.on()) {
                const auto factor = dropout_factors<kWide>(dropout, b, row * op.channels + begin + c);
                for (int k = 0; k < kWide; ++k) dz.v[k] *= factor.v[k];
            }
            if (op.gelu) {
                const auto slopes = Wide<kWide>::load(slope + c);
                auto z = Wide<kWide>::load(offset + c);
                for (int k = 0; k < kWide; ++k) z.v[k] += centred.v[k] * slopes.v[k];
                if (a.residual.data) {
                    const auto residual = Wide<kWide>::load(a.residual.row(b, row) + begin + c);
                    for (int k = 0; k < kWide; ++k) z.v[k] += residual.v[k];
                }
                for (int k = 0; k < kWide; ++k) dz.v[k] *= gelu_derivative(z.v[k]);
            }
            if (row < part.held) {
                dz.store(dz_tile + row * part.width + c);
                centred.store(centred_tile + row * part.width + c);
            } else {
                dz.store(a.dx.row(b, row) + begin + c);
            }
            if (a.dresidual.data) dz.store(a.dresidual.row(b, row) + begin + c);
            for (int k = 0; k < kWide; ++k) {
                sums[k] += dz.v[k];
                sums[kWide + k] += dz.v[k] * centred.v[k];
            }
        },
        [&](int column, int s, float total) {
            float* const totals = s < kWide ? sum : moment;
            totals[column * kWide + s % kWide] = total;
        });

    for_each_group(part, [&](int g, int first) {
        const float rstd = a.rstd[first_group + g];
        const float mean_dz = group_sum(part, first, [&](int c) { return slope[c] * sum[c]; }) / count;
        const float mean_moment = group_sum(part, first, [&](int c) { return slope[c] * moment[c]; }) / count;
        for (int c = first + lane_index(); c < first + part.per_group; c += kWarpSize) {
            constant[c] = mean_dz;
            scale[c] = rstd * rstd * mean_moment;
            const Index channel = begin + c;
            const float gain = Affine(a, b, channel, rstd).gain;
            const float d_weight = rstd * moment[c];
            if (a.film) {
                float* const dfilm = a.dfilm + b * 2 * op.channels + channel;
                dfilm[0] = a.weight[channel] * d_weight + a.bias[channel] * sum[c];
                dfilm[op.channels] = sum[c];
            }
            float* const share = a.workspace + b * 2 * op.channels + channel;
            share[0] = sum[c] * gain;
            share[op.channels] = d_weight * gain;
        }
    });
    __syncthreads();

    for_each_element<kThreads>(rows, columns, [&](int row, int column) {
        const int c = column * kWide;
        const bool held = row < part.held;
        const int at = row * part.width + c;
        float* const dx = a.dx.row(b, row) + begin + c;
        const auto centred = held ? Wide<kWide>::load(centred_tile + at) : centred_at(row, c);
        auto v = Wide<kWide>::load(held ? dz_tile + at : dx);
        const auto slopes = Wide<kWide>::load(slope + c);
        const auto constants = Wide<kWide>::load(constant + c);
        const auto scales = Wide<kWide>::load(scale + c);
        // The product is rounded: the difference is exactly 0 where a group has one element.
        for (int k = 0; k < kWide; ++k)
            v.v[k] = __fmul_rn(v.v[k], slopes.v[k]) - constants.v[k] - scales.v[k] * centred.v[k];
        v.store(dx);
    });
    zero_padding(a.dx, b, begin, part.width, static_cast<int>(threadIdx.x), kThreads);
    if (a.dresidual.data)
        zero_padding(a.dresidual, b, begin, part.width, static_cast<int>(threadIdx.x), kThreads);
}

}  // namespace

template <class T>
void group_norm_forward(Stream& stream, const GroupNorm& op, const GroupNormForward<T>& a) {
    const ProfileScope scope(stream, __func__);
    check_group_norm(__func__, op, a);
    const Part part(op, a.x.length);
    const bool four = part.width % 4 == 0 && rows_of_four(op.channels, a.x.data, a.residual.data, a.y.data);
    launch(four ? group_norm_forward_kernel<4> : group_norm_forward_kernel<1>, a.x.batch * part.parts,
           kThreads, part.tile_and_tables(1, 3), stream, op, part, a);
}

template <class T>
void group_norm_backward(Stream& stream, const GroupNorm& op, const GroupNormBackward<T>& a) {
    const ProfileScope scope(stream, __func__);
    check_group_norm(__func__, op, a);
    const Part part(op, a.x.length);
    const bool four = part.width % 4 == 0 && rows_of_four(op.channels, a.dy.data, a.x.data, a.residual.data,
                                                          a.dx.data, a.dresidual.data);
    launch(four ? group_norm_backward_kernel<4> : group_norm_backward_kernel<1>, a.x.batch * part.parts,
           kThreads, part.tile_and_tables(2, 6), stream, op, part, a);
    add_partial_sums(stream, a.workspace, a.x.batch, op.channels, a.dbias, a.dweight);
}

template void group_norm_forward(Stream&, const GroupNorm&, const GroupNormForward<float>&);
template void group_norm_backward(Stream&, const GroupNorm&, const GroupNormBackward<float>&);

}  // namespace abr::cuda
