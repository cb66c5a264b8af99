// LayerNorm of kernels/norm.hpp: a warp a row. The passes over a row find it in the first-level cache: a row of the
// network has 128 to 704 channels. Bound by memory.
#include "kernels/cuda/column_sums.cuh"
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
constexpr int kWarps = kThreads / kWarpSize;
constexpr int kColumns = 32;  // of a block that sums over rows: a line of memory a row

// The row of this warp.
struct Row {
    Index r, b, t;

    __device__ explicit Row(Index length)
        : r(Index{blockIdx.x} * kWarps + warp_index()), b(r / length), t(r % length) {}
};

// Sum over the channels of a row, by a warp; add(c) gives that of kWide channels.
template <int kWide, class Add>
__device__ inline float row_sum(int channels, const Add& add) {
    float sum = 0;
    for (int c = lane_index() * kWide; c < channels; c += kWarpSize * kWide) sum += add(c);
    return warp_sum(sum);
}

template <int kWide>
__global__ void __launch_bounds__(kThreads)
    layer_norm_forward_kernel(Sequence<const float> x, const float* weight, const float* bias,
                              Sequence<float> y, float* mean, float* rstd) {
    using Values = Wide<kWide>;
    const Row row(x.length);
    if (row.b >= x.batch) return;  // the whole warp; no barrier follows
    const int channels = static_cast<int>(x.channels);
    const float* const from = x.row(row.b, row.t);
    float* const to = y.row(row.b, row.t);
    const float m = row_sum<kWide>(channels,
                                   [&](int c) {
                                       const auto v = Values::load(from + c);
                                       float sum = 0;
                                       for (int k = 0; k < kWide; ++k) sum += v.v[k];
                                       return sum;
                                   }) /
                    static_cast<float>(channels);
    const float variance = row_sum<kWide>(channels,
                                          [&](int c) {
                                              const auto v = Values::load(from + c);
                                              float sum = 0;
                                              for (int k = 0; k < kWide; ++k)
                                                  sum += (v.v[k] - m) * (v.v[k] - m);
                                              return sum;
                                          }) /
                           static_cast<float>(channels);
    const float r = 1.0f / std::sqrt(variance + static_cast<float>(kNormEpsilon));
    for (int c = lane_index() * kWide; c < channels; c += kWarpSize * kWide) {
        auto v = Values::load(from + c);
        const auto w = Values::load(weight + c);
        const auto shift = Values::load(bias + c);
        for (int k = 0; k < kWide; ++k) v.v[k] = (v.v[k] - m) * r * w.v[k] + shift.v[k];
        v.store(to + c);
    }
    if (lane_index() == 0) {
        mean[row.r] = m;
        rstd[row.r] = r;
    }
    if (row.t == 0) zero_padding(y, row.b, 0, channels, lane_index(), kWarpSize);
}

template <int kWide>
__global__ void __launch_bounds__(kThreads)
    layer_norm_backward_kernel(Sequence<const float> dy, Sequence<const float> x, const float* weight,
                               const float* mean, const float* rstd, Sequence<float> dx, Write write) {
    using Values = Wide<kWide>;
    const Row row(x.length);
    if (row.b >= x.batch) return;  // the whole warp; no barrier follows
    const int channels = static_cast<int>(x.channels);
    const float* const upstream = dy.row(row.b, row.t);
    const float* const from = x.row(row.b, row.t);
    float* const to = dx.row(row.b, row.t);
    const float m = mean[row.r];
    const float r = rstd[row.r];
    const float constant = row_sum<kWide>(channels,
                                          [&](int c) {
                                              const auto g = Values::load(upstream + c);
                                              const auto w = Values::load(weight + c);
                                              float sum = 0;
                                              for (int k = 0; k < kWide; ++k) sum += g.v[k] * w.v[k];
                                              return sum;
                                          }) /
                           static_cast<float>(channels);
    const float moment = row_sum<kWide>(channels,
                                        [&](int c) {
                                            const auto g = Values::load(upstream + c);
                                            const auto w = Values::load(weight + c);
                                            const auto v = Values::load(from + c);
                                            float sum = 0;
                                            for (int k = 0; k < kWide; ++k)
                                                sum += g.v[k] * w.v[k] * ((v.v[k] - m) * r);
                                            return sum;
                                        }) /
                         static_cast<float>(channels);
    for (int c = lane_index() * kWide; c < channels; c += kWarpSize * kWide) {
        const auto g = Values::load(upstream + c);
        const auto w = Values::load(weight + c);
        const auto v = Values::load(from + c);
        Values out;
        // The product is rounded: the difference is exactly 0 where a row has one channel.
        for (int k = 0; k < kWide; ++k)
            out.v[k] = r * (__fmul_rn(g.v[k], w.v[k]) - constant - (v.v[k] - m) * r * moment);
        if (write == Write::accumulate) {
            const auto before = Values::load(to + c);
            for (int k = 0; k < kWide; ++k) out.v[k] += before.v[k];
        }
        out.store(to + c);
    }
    if (row.t == 0) zero_padding(dx, row.b, 0, channels, lane_index(), kWarpSize);
}

// Shares of dweight and dbias of a run of rows, for kColumns channels a block.
__global__ void __launch_bounds__(kThreads)
    layer_norm_parameters_kernel(Sequence<const float> dy, Sequence<const float> x, const float* mean,
                                 const float* rstd, float* shares) {
    DEVICE_SHARED(partial, float[kColumnSumsShared<kThreads, 2>]);
    const Index channels = x.channels;
    const Index first_row = Index{blockIdx.x} * kLayerNormRun;
    const Index begin = Index{blockIdx.y} * kColumns;
    const Index left = x.batch * x.length - first_row;
    const int rows = static_cast<int>(left < kLayerNormRun ? left : kLayerNormRun);
    const int width = static_cast<int>(channels - begin < kColumns ? channels - begin : kColumns);
    float* const share = shares + Index{blockIdx.x} * 2 * channels + begin;
    column_sums<kThreads, 2>(
        rows, width, partial,
        [&](int row, int c, float(&sums)[2]) {
            const Index r = first_row + row;
            const Index b = r / x.length;
            const Index t = r % x.length;
            const float g = dy.row(b, t)[begin + c];
            sums[0] += g * ((x.row(b, t)[begin + c] - mean[r]) * rstd[r]);
            sums[1] += g;
        },
        [&](int c, int s, float total) { share[s * channels + c] = total; });
}

}  // namespace

template <class T>
void layer_norm_forward(Stream& stream, Sequence<const T> x, const T* weight, const T* bias, Sequence<T> y,
                        T* mean, T* rstd) {
    const ProfileScope scope(stream, __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    const bool four = rows_of_four(x.channels, x.data, weight, bias, y.data);
    launch(four ? layer_norm_forward_kernel<4> : layer_norm_forward_kernel<1>,
           divide_up(x.batch * x.length, kWarps), kThreads, 0, stream, x, weight, bias, y, mean, rstd);
}

template <class T>
void layer_norm_backward(Stream& stream, Sequence<const T> dy, Sequence<const T> x, const T* weight,
                         const T* mean, const T* rstd, Sequence<T> dx, Write write, T* dweight, T* dbias,
                         T* workspace) {
    const ProfileScope scope(stream, __func__);
    check_alike(__func__, {{"x", x}, {"dy", dy}, {"dx", dx}});
    const Index rows = x.batch * x.length;
    const Index runs = layer_norm_runs(rows);
    launch(layer_norm_parameters_kernel,
           dim3(static_cast<unsigned>(runs), static_cast<unsigned>(divide_up(x.channels, kColumns))),
           kThreads, 0, stream, dy, x, mean, rstd, workspace);
    const bool four = rows_of_four(x.channels, dy.data, x.data, weight, dx.data);
    launch(four ? layer_norm_backward_kernel<4> : layer_norm_backward_kernel<1>, divide_up(rows, kWarps),
           kThreads, 0, stream, dy, x, weight, mean, rstd, dx, write);
    add_partial_sums(stream, workspace, runs, x.channels, dweight, dbias);
}

template void layer_norm_forward(Stream&, Sequence<const float>, const float*, const float*, Sequence<float>,
                                 float*, float*);
template void layer_norm_backward(Stream&, Sequence<const float>, Sequence<const float>, const float*,
                                  const float*, const float*, Sequence<float>, Write, float*, float*, float*);

}  // namespace abr::cuda
