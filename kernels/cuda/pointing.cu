// Pointing of kernels/pointing.hpp, a block a recording.
#include "kernels/pointing.hpp"

#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/padding.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpSize;

__global__ void __launch_bounds__(kThreads)
    pointing_forward_kernel(SamplePlaces places, PointingForward<float> f) {
    DEVICE_SHARED(partial, float[kColumnSumsShared<kThreads, 1>]);
    const Index b = blockIdx.x;
    const auto window = static_cast<int>(places.window);
    float* const a = f.a.row(b);
    for (int t = static_cast<int>(threadIdx.x); t < window; t += kThreads) a[t] = f.score.row(b, t)[0];
    __syncthreads();
    block_softmax<kThreads>(a, window);
    double mean = 0;
    for (int t = static_cast<int>(threadIdx.x); t < window; t += kThreads)
        mean += static_cast<double>(a[t]) * t;
    mean = block_sum<kThreads>(mean);
    if (threadIdx.x == 0) f.place.row(b)[0] = static_cast<float>(places.first + places.step * mean);
    column_sums<kThreads, 1>(
        window, static_cast<int>(f.x.channels), partial,
        [&](int t, int c, float(&sums)[1]) { sums[0] += a[t] * f.x.row(b, t)[c]; },
        [&](int c, int, float total) { f.reading.row(b)[c] = total; });
}

__global__ void __launch_bounds__(kThreads)
    pointing_backward_kernel(SamplePlaces places, PointingBackward<float> g) {
    const Index b = blockIdx.x;
    const auto window = static_cast<int>(places.window);
    const auto length = static_cast<int>(g.x.length);
    const auto channels = static_cast<int>(g.x.channels);
    const float* const a = g.a.row(b);
    const float* const dreading = g.dreading.row(b);
    const double slope = static_cast<double>(g.dplace.row(b)[0]) * places.step;
    float* const d_a = g.workspace + b * window;
    for (int t = warp_index(); t < window; t += kWarps) {
        const float* const x = g.x.row(b, t);
        float read = 0;
        for (int c = lane_index(); c < channels; c += kWarpSize) read += dreading[c] * x[c];
        read = warp_sum(read);
        if (lane_index() == 0) d_a[t] = static_cast<float>(static_cast<double>(read) + slope * t);
    }
    __syncthreads();
    double mean = 0;
    for (int t = static_cast<int>(threadIdx.x); t < window; t += kThreads)
        mean += static_cast<double>(a[t]) * static_cast<double>(d_a[t]);
    mean = block_sum<kThreads>(mean);
    const auto put = [](float& to, float share, Write write) {
        to = write == Write::accumulate ? to + share : share;
    };
    for (int t = static_cast<int>(threadIdx.x); t < length; t += kThreads) {
        const float share = t < window ? a[t] * static_cast<float>(static_cast<double>(d_a[t]) - mean) : 0.0f;
        put(g.dscore.row(b, t)[0], share, g.write_score);
    }
    for_each_element<kThreads>(length, channels, [&](int t, int c) {
        put(g.dx.row(b, t)[c], t < window ? a[t] * dreading[c] : 0.0f, g.write_x);
    });
    zero_padding(g.dscore, b, 0, 1, static_cast<int>(threadIdx.x), kThreads);
    zero_padding(g.dx, b, 0, channels, static_cast<int>(threadIdx.x), kThreads);
}

}  // namespace

template <class T>
void pointing_forward(Stream& stream, const SamplePlaces& places, const PointingForward<T>& f) {
    const ProfileScope scope(stream, __func__);
    check_pointing(__func__, places, {"score", f.score}, {"x", f.x}, {"a", f.a}, {"place", f.place},
                   {"reading", f.reading});
    launch(pointing_forward_kernel, f.x.batch, kThreads, 0, stream, places, f);
}

template <class T>
void pointing_backward(Stream& stream, const SamplePlaces& places, const PointingBackward<T>& g) {
    const ProfileScope scope(stream, __func__);
    check_pointing(__func__, places, {"dscore", g.dscore}, {"x", g.x}, {"a", g.a}, {"dplace", g.dplace},
                   {"dreading", g.dreading});
    check_alike(__func__, {{"x", g.x}, {"dx", g.dx}});
    launch(pointing_backward_kernel, g.x.batch, kThreads, 0, stream, places, g);
}

template void pointing_forward(Stream&, const SamplePlaces&, const PointingForward<float>&);
template void pointing_backward(Stream&, const SamplePlaces&, const PointingBackward<float>&);

}  // namespace abr::cuda
