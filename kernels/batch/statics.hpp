// The static inputs of a row, their noise and dropout.
#pragma once

#include <array>
#include <cmath>

#include "kernels/batch.hpp"
#include "kernels/batch/draws.hpp"
#include "kernels/batch/standardise.hpp"

namespace abr {

struct StaticsPlan {
    bool noisy;
    std::array<float, 4> noise;  // added to kAge, kIntensity, kRate, kFmp
    bool drop_age, drop_rate, drop_fmp;
};

ABR_HOST_DEVICE inline StaticsPlan draw_statics(const BatchSettings& settings, const RowDraws& draws,
                                                bool training) {
    const AugmentationSettings& augmentation = settings.augmentation;
    StaticsPlan plan{};
    if (!training) return plan;
    plan.noisy = augmentation.static_noise_sd > 0;
    if (plan.noisy) {
        const Random4 words = draws.block(Purpose::augment_statics, 0);
        const NormalPair early = to_normal(words[0], words[1]), late = to_normal(words[2], words[3]);
        const float normals[4] = {early.first, early.second, late.first, late.second};
        for (std::size_t i = 0; i < 4; ++i)
            plan.noise[i] = augmentation.static_noise_sd * settings.static_sd[i] * normals[i];
    }
    if (augmentation.static_dropout > 0) {
        const Random4 words = draws.block(Purpose::augment_statics, 1);
        plan.drop_age = happens(words[0], augmentation.static_dropout);
        plan.drop_rate = happens(words[1], augmentation.static_dropout);
        plan.drop_fmp = happens(words[2], augmentation.static_dropout);
    }
    return plan;
}

template <class T>
ABR_HOST_DEVICE T standardise(double value, const Standardisation& s) {
    return static_cast<T>((value - static_cast<double>(s.mean)) * static_cast<double>(s.inverse_scale));
}

// stored (kStoredStatics): of the recording; signal: of the degraded recording.
template <class T>
ABR_HOST_DEVICE void write_statics(const float* stored, const BatchSettings& settings,
                                   const StaticsPlan& plan, const RowMoments& signal, T* statics) {
    for (Index i = 0; i < kStoredStatics; ++i) statics[i] = stored[i];
    if (plan.noisy)
        for (std::size_t i = 0; i < 4; ++i) statics[i] += static_cast<T>(plan.noise[i]);
    const auto drop = [&](bool dropped, StaticInput input, float fill, StaticInput flag, float missing) {
        if (!dropped) return;
        statics[input] = static_cast<T>(fill);
        statics[flag] = static_cast<T>(missing);
    };
    drop(plan.drop_age, kAge, settings.fill_age, kAgeMissing, settings.flag_age);
    drop(plan.drop_rate, kRate, settings.fill_rate, kRateMissing, settings.flag_rate);
    drop(plan.drop_fmp, kFmp, settings.fill_fmp, kFmpMissing, settings.flag_fmp);
    statics[kSignalMean] = standardise<T>(signal.mean, settings.signal_mean);
    statics[kSignalLogSd] = standardise<T>(std::log(signal.sd), settings.signal_log_sd);
}

}  // namespace abr
