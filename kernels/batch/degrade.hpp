// White noise on the network's input, so that restoring the signal means something.
#pragma once

#include "kernels/batch.hpp"
#include "kernels/batch/draws.hpp"

namespace abr {

struct Degradation {
    double noise_sd;  // relative to the recording's sd; 0 = none
    // The noise of samples 4 j ... 4 j + 3 are drawn at (j, place, step, epoch).
    std::uint64_t key;
    std::uint32_t place, step, epoch;
};

// The degradation of row `recording` of the split.
ABR_HOST_DEVICE inline Degradation draw_degradation(const DegradationSettings& settings, BatchMode mode,
                                                    const RowDraws& draws, Index recording) {
    const double sd = settings.noise_sd;
    if (mode == BatchMode::validation_degraded)
        return {.noise_sd = settings.probability > 0 ? sd : 0,
                .key = stream_key(draws.seed, Purpose::validation_noise),
                .place = static_cast<std::uint32_t>(recording),
                .step = 0,
                .epoch = 0};
    const bool on = mode == BatchMode::training &&
                    happens(draws.block(Purpose::degradation_decision, 0)[0], settings.probability);
    return {.noise_sd = on ? sd : 0,
            .key = stream_key(draws.seed, Purpose::degradation_noise),
            .place = draws.place,
            .step = draws.step,
            .epoch = draws.epoch};
}

// Adds the noise to x; sd: the recording's, in uV. Whether there was any.
template <class T, class Team>
ABR_DEVICE bool add_noise(const Team& team, const Degradation& noise, double sd, Index length, T* x) {
    const double amount = noise.noise_sd * sd;
    if (!(amount > 0)) return false;
    team.fours(length, [&](Index first) {
        const Random4 words = philox4x32(noise.key, static_cast<std::uint32_t>(first / 4), noise.place,
                                         noise.step, noise.epoch);
        const NormalPair early = to_normal(words[0], words[1]), late = to_normal(words[2], words[3]);
        const auto add = [&](Index t, float normal) {
            if (t < length)
                x[t] = static_cast<T>(static_cast<double>(x[t]) + amount * static_cast<double>(normal));
        };
        add(first, early.first);
        add(first + 1, early.second);
        add(first + 2, late.first);
        add(first + 3, late.second);
    });
    return true;
}

}  // namespace abr
