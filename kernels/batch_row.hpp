// What a batch's row takes from its recording besides the signals: draws, static inputs, targets; for every backend.
#pragma once

#include <array>
#include <cmath>
#include <limits>

#include "kernels/batch.hpp"
#include "kernels/host_device.hpp"

namespace abr {

inline constexpr double kSmallestSignalSd = 1e-12;  // uV

// What is decided for one recording of a training batch.
struct Augmentation {
    Index shift = 0;  // samples
    float scale = 1;
    double drift = 0;  // size relative to the recording's sd
    double phase = 0;  // in units of pi
};

// The draws of one recording.
struct RecordingDraws {
    RandomPosition position;  // with its own place

    ABR_HOST_DEVICE Random4 block(Purpose purpose, std::uint32_t index) const {
        return philox4x32(stream_key(position.seed, purpose), index, position.place, position.step,
                          position.epoch);
    }
};

ABR_HOST_DEVICE inline bool happens(std::uint32_t word, float probability) {
    return to_uniform(word) <= probability;
}

ABR_HOST_DEVICE inline Augmentation draw_augmentation(const BatchSettings& settings,
                                                      const RecordingDraws& draws) {
    Augmentation result;
    const Random4 words = draws.block(Purpose::augment_decision, 0);
    if (!happens(words[0], settings.augmentation_probability)) return result;
    const std::uint64_t choices = 2 * static_cast<std::uint64_t>(settings.shift_samples) + 1;
    result.shift = static_cast<Index>(words[1] * choices >> 32) - settings.shift_samples;
    result.scale = settings.scale_low + (settings.scale_high - settings.scale_low) * to_uniform(words[2]);
    if (settings.drift_sd > 0) {
        const Random4 size = draws.block(Purpose::augment_decision, 1);
        result.drift = settings.drift_sd * static_cast<double>(to_normal(size[0], size[1]).first);
        result.phase = 2 * static_cast<double>(to_uniform(words[3]));
    }
    return result;
}

// The white noise of one recording.
struct Degradation {
    bool on = false;
    Purpose purpose = Purpose::degradation_noise;
    RecordingDraws draws;

    // Standard normals of samples 4 * block ... 4 * block + 3.
    ABR_HOST_DEVICE std::array<NormalPair, 2> normals(Index block) const {
        const Random4 words = draws.block(purpose, static_cast<std::uint32_t>(block));
        return {to_normal(words[0], words[1]), to_normal(words[2], words[3])};
    }
};

// Of recording r in a batch whose draws are `draws`.
ABR_HOST_DEVICE inline Degradation draw_degradation(const BatchSettings& settings, BatchMode mode,
                                                    const RecordingDraws& draws, Index r) {
    if (mode == BatchMode::validation_degraded)
        return {settings.degradation_probability > 0,
                Purpose::validation_noise,
                {{draws.position.seed, 0, 0, static_cast<std::uint32_t>(r)}}};
    const bool on = mode == BatchMode::training && happens(draws.block(Purpose::degradation_decision, 0)[0],
                                                           settings.degradation_probability);
    return {on, Purpose::degradation_noise, draws};
}

// Sample t of a recording or clean signal after shift and scale.
ABR_HOST_DEVICE inline double augmented(const Augmentation& augmentation, const float* source, Index length,
                                        Index t) {
    const Index from = t - augmentation.shift;
    const Index inside = from < 0 ? 0 : from < length ? from : length - 1;
    return static_cast<double>(source[inside]) * static_cast<double>(augmentation.scale);
}

struct SignalMoments {
    double mean, sd;  // uV
};

template <class T>
ABR_HOST_DEVICE T standardise(double value, const Standardisation& s) {
    return static_cast<T>((value - static_cast<double>(s.mean)) * static_cast<double>(s.inverse_scale));
}

// Noise and dropout of the stored static inputs.
template <class T>
ABR_HOST_DEVICE void augment_statics(const BatchSettings& settings, const RecordingDraws& draws, T* statics) {
    const auto& sd = settings.static_noise_sd;
    if (sd[kAge] > 0 || sd[kIntensity] > 0 || sd[kRate] > 0 || sd[kFmp] > 0) {
        const Random4 words = draws.block(Purpose::augment_statics, 0);
        const NormalPair first = to_normal(words[0], words[1]);
        const NormalPair second = to_normal(words[2], words[3]);
        statics[kAge] += static_cast<T>(sd[kAge] * first.first);
        statics[kIntensity] += static_cast<T>(sd[kIntensity] * first.second);
        statics[kRate] += static_cast<T>(sd[kRate] * second.first);
        statics[kFmp] += static_cast<T>(sd[kFmp] * second.second);
    }
    if (settings.static_dropout > 0) {
        const Random4 words = draws.block(Purpose::augment_statics, 1);
        const auto drop = [&](std::uint32_t word, StaticInput input, float fill, StaticInput flag,
                              float missing) {
            if (!happens(word, settings.static_dropout)) return;
            statics[input] = static_cast<T>(fill);
            statics[flag] = static_cast<T>(missing);
        };
        drop(words[0], kAge, settings.fill_age, kAgeMissing, settings.flag_age);
        drop(words[1], kRate, settings.fill_rate, kRateMissing, settings.flag_rate);
        drop(words[2], kFmp, settings.fill_fmp, kFmpMissing, settings.flag_fmp);
    }
}

// The statics of recording r; `signal`: mean and sd of the degraded recording.
template <class T>
ABR_HOST_DEVICE void write_statics(const DeviceRecordings& recordings, const BatchSettings& settings,
                                   bool training, const RecordingDraws& draws, const SignalMoments& signal,
                                   Index r, T* statics) {
    for (Index i = 0; i < kStoredStatics; ++i) statics[i] = recordings.statics[r * kStoredStatics + i];
    if (training) augment_statics(settings, draws, statics);
    statics[kSignalMean] = standardise<T>(signal.mean, settings.signal_mean);
    statics[kSignalLogSd] = standardise<T>(std::log(signal.sd), settings.signal_log_sd);
}

// All but the signal's.
template <class T>
ABR_HOST_DEVICE void write_targets(const DeviceRecordings& recordings, const BatchSettings& settings,
                                   const Augmentation& augmentation, Index r, const Targets<T>& targets,
                                   Index b) {
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        constexpr Task kTask = task_of(c);
        if constexpr (kTask.kind == TaskKind::binary || kTask.kind == TaskKind::classes) {
            targets.label[c][b] = recordings.label[c][r];
        } else if constexpr (kTask.kind == TaskKind::scalar) {
            double value = static_cast<double>(recordings.scalar[c][r]);
            bool inside = true;
            if constexpr (kTask.follows == Follows::shift) {
                const double dt = settings.sample_interval_ms;
                value += static_cast<double>(augmentation.shift) * dt;
                inside = value >= 0 && value <= static_cast<double>(recordings.length) * dt;  // false for NaN
            } else if constexpr (kTask.follows == Follows::scale) {
                value *= static_cast<double>(augmentation.scale);
            }
            targets.scalar[c][b] =
                inside ? standardise<T>(value, settings.target[c]) : std::numeric_limits<T>::quiet_NaN();
        }
    });
}

}  // namespace abr
