// Shift, scale and drift of a recording: one decision for the group.
#pragma once

#include <cmath>
#include <numbers>

#include "kernels/batch/draws.hpp"
#include "kernels/batch/settings.hpp"

namespace abr {

struct Augmentation {
    Index shift;   // samples
    float scale;   // of the recording and its amplitude
    double drift;  // size relative to the recording's sd
    double phase;  // of the drift, in units of pi
};

ABR_HOST_DEVICE inline Augmentation draw_augmentation(const AugmentationSettings& settings,
                                                      const RowDraws& draws, bool training) {
    Augmentation result{.shift = 0, .scale = 1, .drift = 0, .phase = 0};
    if (!training) return result;
    const Random4 words = draws.block(Purpose::augment_decision, 0);
    if (!happens(words[0], settings.probability)) return result;
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

// Sample t of a recording or clean signal after shift and scale.
ABR_HOST_DEVICE inline double augmented(const Augmentation& augmentation, const float* source, Index length,
                                        Index t) {
    const Index from = t - augmentation.shift;
    const Index inside = from < 0 ? 0 : from < length ? from : length - 1;
    return static_cast<double>(source[inside]) * static_cast<double>(augmentation.scale);
}

ABR_HOST_DEVICE inline double sine_of_pi(double x) {
#if defined(__CUDA_ARCH__)
    return sinpi(x);  // which needs no slow reduction of its argument
#else
    return std::sin(std::numbers::pi * x);
#endif
}

// Adds the drift to x; sd: the recording's, in uV. Whether there was any.
template <class T, class Team>
ABR_DEVICE bool add_drift(const Team& team, const Augmentation& augmentation, double sd, Index length, T* x) {
    if (augmentation.drift == 0) return false;
    const double size = augmentation.drift * sd;
    team.each(length, [&](Index t) {
        const double turn = static_cast<double>(t) / static_cast<double>(length) + augmentation.phase;
        x[t] = static_cast<T>(static_cast<double>(x[t]) + size * sine_of_pi(turn));
    });
    return true;
}

}  // namespace abr
