// gather_batch of kernels/batch.hpp: a block builds one row. A thread keeps to its own samples, in fours, those of one
// Philox block, so that the row's input can be worked on in place: only the sums cross threads.
#include "kernels/batch.hpp"

#include <cmath>

#include "kernels/batch_row.hpp"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/reduce.cuh"

namespace abr::cuda {
namespace {

constexpr int kThreads = 64;

// body(t) for the samples of this thread.
template <class Body>
__device__ inline void for_own_samples(Index length, const Body& body) {
    for (Index first = 4 * threadIdx.x; first < length; first += 4 * kThreads)
        for (int i = 0; i < 4; ++i)
            if (first + i < length) body(first + i);
}

// Of x, whose samples each thread wrote itself; every thread gets them.
__device__ inline SignalMoments moments(Index length, const float* x) {
    double sum = 0;
    for_own_samples(length, [&](Index t) { sum += static_cast<double>(x[t]); });
    const double mean = block_sum<kThreads>(sum) / static_cast<double>(length);
    double squares = 0;
    for_own_samples(length, [&](Index t) {
        const double deviation = static_cast<double>(x[t]) - mean;
        squares += deviation * deviation;
    });
    return {mean, std::sqrt(block_sum<kThreads>(squares) / static_cast<double>(length))};
}

__device__ inline void add_noise(float* x, Index length, double amount, const Degradation& degradation) {
    const auto add = [=](Index t, float normal) {
        if (t < length)
            x[t] = static_cast<float>(static_cast<double>(x[t]) + amount * static_cast<double>(normal));
    };
    for (Index first = 4 * threadIdx.x; first < length; first += 4 * kThreads) {
        const auto [early, late] = degradation.normals(first / 4);
        add(first, early.first);
        add(first + 1, early.second);
        add(first + 2, late.first);
        add(first + 3, late.second);
    }
}

__global__ void __launch_bounds__(kThreads)
    gather_batch_kernel(DeviceRecordings recordings, BatchSettings settings, BatchMode mode,
                        const std::int32_t* order, RandomPosition position, Batch<float> batch) {
    const Index b = blockIdx.x, r = order[b], length = recordings.length;
    position.place += static_cast<std::uint32_t>(b);
    const RecordingDraws draws{position};
    const bool training = mode == BatchMode::training;
    const Augmentation augmentation = training ? draw_augmentation(settings, draws) : Augmentation{};

    const Sequence<float>& input = batch.input;
    float* x = input.row(b, 0);
    for (Index t = threadIdx.x - input.pad; t < input.length + input.pad; t += kThreads)
        if (t < 0 || t >= length) x[t] = 0;

    const float* recording = recordings.signal + r * length;
    for_own_samples(
        length, [&](Index t) { x[t] = static_cast<float>(augmented(augmentation, recording, length, t)); });
    SignalMoments signal = moments(length, x);

    const double undegraded_sd = signal.sd;
    if (augmentation.drift != 0) {
        const double size = augmentation.drift * undegraded_sd;
        for_own_samples(length, [&](Index t) {
            const double turn = static_cast<double>(t) / static_cast<double>(length) + augmentation.phase;
            x[t] = static_cast<float>(static_cast<double>(x[t]) + size * sinpi(turn));
        });
    }
    const Degradation degradation = draw_degradation(settings, mode, draws, r);
    const double noise = static_cast<double>(settings.noise_sd) * undegraded_sd;
    const bool noisy = noise > 0 && degradation.on;
    if (noisy) add_noise(x, length, noise, degradation);
    if (noisy || augmentation.drift != 0) signal = moments(length, x);
    if (signal.sd < kSmallestSignalSd) signal.sd = kSmallestSignalSd;

    const float* clean = recordings.clean != nullptr ? recordings.clean + r * length : recording;
    float* target = batch.targets.signal.row(b);
    const double inverse_sd = 1 / signal.sd;
    for_own_samples(length, [&](Index t) {
        const double value = augmented(augmentation, clean, length, t);
        x[t] = static_cast<float>((static_cast<double>(x[t]) - signal.mean) * inverse_sd);
        target[t] = static_cast<float>((value - signal.mean) * inverse_sd);
    });

    if (threadIdx.x == 0) {
        batch.mean[b] = static_cast<float>(signal.mean);
        batch.sd[b] = static_cast<float>(signal.sd);
        write_statics(recordings, settings, training, draws, signal, r, batch.statics.row(b));
    } else if (threadIdx.x == kWarpSize) {
        write_targets(recordings, settings, augmentation, r, batch.targets, b);
    }
}

}  // namespace

template <class T>
void gather_batch(Stream& stream, const DeviceRecordings& recordings, const BatchSettings& settings,
                  BatchMode mode, const std::int32_t* order, RandomPosition position, const Batch<T>& batch) {
    const ProfileScope scope(stream, __func__);
    launch(gather_batch_kernel, batch.input.batch, kThreads, 0, stream, recordings, settings, mode, order,
           position, batch);
}

template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, RandomPosition, const Batch<float>&);

}  // namespace abr::cuda
