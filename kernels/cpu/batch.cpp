#include "kernels/batch.hpp"
#include "kernels/cpu/stream.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace abr::cpu {
namespace {

constexpr double kSmallestSd = 1e-12;  // uV

// What is decided for one recording of a training batch.
struct Augmentation {
    Index shift = 0;  // samples
    float scale = 1;
    double drift = 0;  // size relative to the recording's sd
    double phase = 0;
};

// The draws of one recording.
struct Draws {
    RandomPosition position;  // with its own place

    Random4 block(Purpose purpose, std::uint32_t index) const {
        return philox4x32(stream_key(position.seed, purpose), index, position.place, position.step,
                          position.epoch);
    }
};

bool happens(std::uint32_t word, float probability) {
    return to_uniform(word) <= probability;
}

Augmentation draw_augmentation(const BatchSettings& settings, const Draws& draws) {
    Augmentation result;
    const Random4 words = draws.block(Purpose::augment_decision, 0);
    if (!happens(words[0], settings.augmentation_probability)) return result;
    const std::uint64_t choices = 2 * static_cast<std::uint64_t>(settings.shift_samples) + 1;
    result.shift = static_cast<Index>(words[1] * choices >> 32) - settings.shift_samples;
    result.scale = settings.scale_low + (settings.scale_high - settings.scale_low) * to_uniform(words[2]);
    if (settings.drift_sd > 0) {
        const Random4 size = draws.block(Purpose::augment_decision, 1);
        result.drift = settings.drift_sd * static_cast<double>(to_normal(size[0], size[1]).first);
        result.phase = 2 * std::numbers::pi * static_cast<double>(to_uniform(words[3]));
    }
    return result;
}

struct Moments {
    double mean, sd;
};

// `value(t)` for t in [0, length); two passes.
template <class Value>
Moments moments(Index length, const Value& value) {
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
void add_noise(T* x, Index length, double amount, Purpose purpose, const Draws& draws) {
    for (Index t = 0; t < length; t += 4) {
        const Random4 words = draws.block(purpose, static_cast<std::uint32_t>(t / 4));
        const NormalPair early = to_normal(words[0], words[1]);
        const NormalPair late = to_normal(words[2], words[3]);
        const float normals[4] = {early.first, early.second, late.first, late.second};
        for (Index i = 0; i < std::min<Index>(4, length - t); ++i) {
            x[t + i] =
                static_cast<T>(static_cast<double>(x[t + i]) + amount * static_cast<double>(normals[i]));
        }
    }
}

template <class T>
T standardise(double value, const Standardisation& s) {
    return static_cast<T>((value - static_cast<double>(s.mean)) * static_cast<double>(s.inverse_scale));
}

// Noise and dropout of the stored static inputs.
template <class T>
void augment_statics(const BatchSettings& settings, const Draws& draws, T* statics) {
    const auto& sd = settings.static_noise_sd;
    if (std::any_of(sd.begin(), sd.end(), [](float s) { return s > 0; })) {
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

// Input, clean signal, mean and sd of row b.
template <class T>
Moments write_signals(const DeviceRecordings& recordings, const BatchSettings& settings, BatchMode mode,
                      Index r, const Augmentation& augmentation, const Draws& draws, const Batch<T>& batch,
                      Index b) {
    const Index length = recordings.length;
    const auto augmented = [&](const float* source, Index t) {
        const Index from = std::clamp<Index>(t - augmentation.shift, 0, length - 1);
        return static_cast<double>(source[from]) * static_cast<double>(augmentation.scale);
    };
    const float* recording = recordings.signal + r * length;

    std::fill_n(batch.input.data + b * batch.input.sample_stride(), batch.input.sample_stride(), T{0});
    T* x = batch.input.row(b, 0);
    for (Index t = 0; t < length; ++t) x[t] = static_cast<T>(augmented(recording, t));
    const auto value = [x](Index t) { return static_cast<double>(x[t]); };
    Moments result = moments(length, value);

    bool changed = false;
    const double undegraded_sd = result.sd;
    if (augmentation.drift != 0) {
        const double size = augmentation.drift * undegraded_sd;
        for (Index t = 0; t < length; ++t) {
            const double turn = std::numbers::pi * static_cast<double>(t) / static_cast<double>(length);
            x[t] = static_cast<T>(value(t) + size * std::sin(turn + augmentation.phase));
        }
        changed = true;
    }
    const double noise = static_cast<double>(settings.noise_sd) * undegraded_sd;
    if (noise > 0 && settings.degradation_probability > 0) {
        if (mode == BatchMode::validation_degraded) {
            const Draws own{{draws.position.seed, 0, 0, static_cast<std::uint32_t>(r)}};
            add_noise(x, length, noise, Purpose::validation_noise, own);
            changed = true;
        } else if (mode == BatchMode::training && happens(draws.block(Purpose::degradation_decision, 0)[0],
                                                          settings.degradation_probability)) {
            add_noise(x, length, noise, Purpose::degradation_noise, draws);
            changed = true;
        }
    }
    if (changed) result = moments(length, value);
    result.sd = std::max(result.sd, kSmallestSd);

    const float* clean = recordings.clean != nullptr ? recordings.clean + r * length : recording;
    T* target = batch.targets.signal.row(b);
    for (Index t = 0; t < length; ++t) {
        x[t] = static_cast<T>((value(t) - result.mean) / result.sd);
        target[t] = static_cast<T>((augmented(clean, t) - result.mean) / result.sd);
    }
    batch.mean[b] = static_cast<T>(result.mean);
    batch.sd[b] = static_cast<T>(result.sd);
    return result;
}

template <class T>
void gather_row(const DeviceRecordings& recordings, const BatchSettings& settings, BatchMode mode, Index r,
                const Draws& draws, const Batch<T>& batch, Index b) {
    const bool training = mode == BatchMode::training;
    const Augmentation augmentation = training ? draw_augmentation(settings, draws) : Augmentation{};
    const Moments signal = write_signals(recordings, settings, mode, r, augmentation, draws, batch, b);

    T* statics = batch.statics.row(b);
    std::copy_n(recordings.statics + r * kStoredStatics, kStoredStatics, statics);
    if (training) augment_statics(settings, draws, statics);
    statics[kSignalMean] = standardise<T>(signal.mean, settings.signal_mean);
    statics[kSignalLogSd] = standardise<T>(std::log(signal.sd), settings.signal_log_sd);

    const Targets<T>& targets = batch.targets;
    const double dt = settings.sample_interval_ms;
    const double latency = recordings.latency_ms[r] + static_cast<double>(augmentation.shift) * dt;
    const bool inside =
        latency >= 0 && latency <= static_cast<double>(recordings.length) * dt;  // false for NaN
    const double amplitude = static_cast<double>(recordings.amplitude_uv[r]) * augmentation.scale;
    targets.label[b] = recordings.label[r];
    targets.exist[b] = recordings.exist[r];
    targets.latency[b] =
        inside ? standardise<T>(latency, settings.latency) : std::numeric_limits<T>::quiet_NaN();
    targets.amplitude[b] = standardise<T>(amplitude, settings.amplitude);
    targets.threshold[b] = standardise<T>(recordings.threshold_db[r], settings.threshold);
}

}  // namespace

template <class T>
void gather_batch(Stream& stream, const DeviceRecordings& recordings, const BatchSettings& settings,
                  BatchMode mode, const std::int32_t* order, RandomPosition position, const Batch<T>& batch) {
    const ProfileScope scope(stream.profile(), __func__);
    stream.parallel_for(batch.input.batch, [&](Index b) {
        Draws draws{position};
        draws.position.place += static_cast<std::uint32_t>(b);
        gather_row(recordings, settings, mode, order[b], draws, batch, b);
    });
}

template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, RandomPosition, const Batch<float>&);
template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, RandomPosition, const Batch<double>&);

}  // namespace abr::cpu
