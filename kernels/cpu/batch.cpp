#include "kernels/batch.hpp"
#include "kernels/batch_row.hpp"
#include "kernels/cpu/stream.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace abr::cpu {
namespace {

// `value(t)` for t in [0, length); two passes.
template <class Value>
SignalMoments moments(Index length, const Value& value) {
    double sum = 0;
    for (Index t = 0; t < length; ++t) sum += value(t);
    const double mean = sum / static_cast<double>(length);
    double squares = 0;
    for (Index t = 0; t < length; ++t) {
        const double deviation = value(t) - mean;
        squares += deviation * deviation;
    }
    return {mean, std::sqrt(squares / static_cast<double>(length))};
}

// x(t) += amount * N(0,1), blocks of four samples.
template <class T>
void add_noise(T* x, Index length, double amount, const Degradation& degradation) {
    for (Index t = 0; t < length; t += 4) {
        const auto [early, late] = degradation.normals(t / 4);
        const float normals[4] = {early.first, early.second, late.first, late.second};
        for (Index i = 0; i < std::min<Index>(4, length - t); ++i) {
            x[t + i] =
                static_cast<T>(static_cast<double>(x[t + i]) + amount * static_cast<double>(normals[i]));
        }
    }
}

// Input, clean signal, mean and sd of row b.
template <class T>
SignalMoments write_signals(const DeviceRecordings& recordings, const BatchSettings& settings, BatchMode mode,
                            Index r, const Augmentation& augmentation, const RecordingDraws& draws,
                            const Batch<T>& batch, Index b) {
    const Index length = recordings.length;
    const float* recording = recordings.signal + r * length;

    std::fill_n(batch.input.data + b * batch.input.sample_stride(), batch.input.sample_stride(), T{0});
    T* x = batch.input.row(b, 0);
    for (Index t = 0; t < length; ++t) x[t] = static_cast<T>(augmented(augmentation, recording, length, t));
    const auto value = [x](Index t) { return static_cast<double>(x[t]); };
    SignalMoments result = moments(length, value);

    bool changed = false;
    const double undegraded_sd = result.sd;
    if (augmentation.drift != 0) {
        const double size = augmentation.drift * undegraded_sd;
        for (Index t = 0; t < length; ++t) {
            const double turn = static_cast<double>(t) / static_cast<double>(length) + augmentation.phase;
            x[t] = static_cast<T>(value(t) + size * std::sin(std::numbers::pi * turn));
        }
        changed = true;
    }
    const double noise = static_cast<double>(settings.noise_sd) * undegraded_sd;
    const Degradation degradation = draw_degradation(settings, mode, draws, r);
    if (noise > 0 && degradation.on) {
        add_noise(x, length, noise, degradation);
        changed = true;
    }
    if (changed) result = moments(length, value);
    result.sd = std::max(result.sd, kSmallestSignalSd);

    const float* clean = recordings.clean != nullptr ? recordings.clean + r * length : recording;
    T* target = batch.targets.signal.row(b);
    for (Index t = 0; t < length; ++t) {
        x[t] = static_cast<T>((value(t) - result.mean) / result.sd);
        target[t] = static_cast<T>((augmented(augmentation, clean, length, t) - result.mean) / result.sd);
    }
    batch.mean[b] = static_cast<T>(result.mean);
    batch.sd[b] = static_cast<T>(result.sd);
    return result;
}

template <class T>
void gather_row(const DeviceRecordings& recordings, const BatchSettings& settings, BatchMode mode, Index r,
                const RecordingDraws& draws, const Batch<T>& batch, Index b) {
    const bool training = mode == BatchMode::training;
    const Augmentation augmentation = training ? draw_augmentation(settings, draws) : Augmentation{};
    const SignalMoments signal = write_signals(recordings, settings, mode, r, augmentation, draws, batch, b);

    write_statics(recordings, settings, training, draws, signal, r, batch.statics.row(b));
    write_targets(recordings, settings, augmentation, r, batch.targets, b);
}

}  // namespace

template <class T>
void gather_batch(Stream& stream, const DeviceRecordings& recordings, const BatchSettings& settings,
                  BatchMode mode, const std::int32_t* order, RandomPosition position, const Batch<T>& batch) {
    const ProfileScope scope(stream.profile(), __func__);
    stream.parallel_for(batch.input.batch, [&](Index b) {
        RecordingDraws draws{position};
        draws.position.place += static_cast<std::uint32_t>(b);
        gather_row(recordings, settings, mode, order[b], draws, batch, b);
    });
}

template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, RandomPosition, const Batch<float>&);
template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, RandomPosition, const Batch<double>&);

}  // namespace abr::cpu
