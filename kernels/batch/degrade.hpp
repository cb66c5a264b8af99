// How a row's input is degraded, so that restoring the signal means something, and white noise on it. What is not white
// is added by interference.hpp.
#pragma once

#include "kernels/batch.hpp"
#include "kernels/batch/draws.hpp"
#include "kernels/batch/tone.hpp"

namespace abr {

struct Degradation {
    double noise_sd, coloured_sd, mains_sd;  // relative to the recording's sd; 0 = none
    double mains_hz;
    // Block j of a key is drawn at (j, place, step, epoch); noise_key: of white noise, block j of samples 4 j ... 4 j + 3.
    std::uint64_t noise_key, tones_key;
    std::uint32_t place, step, epoch;

    ABR_HOST_DEVICE Random4 block(std::uint64_t key, std::uint32_t index) const {
        return philox4x32(key, index, place, step, epoch);
    }
};

// The degradation of row `recording` of the split.
ABR_HOST_DEVICE inline Degradation draw_degradation(const DegradationSettings& settings, BatchMode mode,
                                                    const RowDraws& draws, Index recording) {
    const bool validation = mode == BatchMode::validation_degraded;
    const bool on = validation
                        ? settings.probability > 0
                        : mode == BatchMode::training &&
                              happens(draws.block(Purpose::degradation_decision, 0)[0], settings.probability);
    Degradation plan{.noise_sd = on ? static_cast<double>(settings.noise_sd) : 0,
                     .coloured_sd = 0,
                     .mains_sd = 0,
                     .mains_hz = 0,
                     .noise_key = stream_key(
                         draws.seed, validation ? Purpose::validation_noise : Purpose::degradation_noise),
                     .tones_key = stream_key(
                         draws.seed, validation ? Purpose::validation_tones : Purpose::degradation_tones),
                     .place = validation ? static_cast<std::uint32_t>(recording) : draws.place,
                     .step = validation ? 0 : draws.step,
                     .epoch = validation ? 0 : draws.epoch};
    if (on && (settings.coloured_sd.high > 0 || settings.mains_sd.high > 0)) {
        const Random4 words = plan.block(plan.tones_key, 0);
        plan.coloured_sd = draw_from(settings.coloured_sd, words[0]);
        plan.mains_sd = draw_from(settings.mains_sd, words[1]);
        plan.mains_hz = to_uniform(words[2]) < 0.5f ? 50 : 60;
    }
    return plan;
}

// Adds the white noise to x; sd: the recording's, in uV. Whether there was any.
template <class T, class Team>
ABR_DEVICE bool add_noise(const Team& team, const Degradation& degradation, double sd, Index length, T* x) {
    const double amount = degradation.noise_sd * sd;
    if (!(amount > 0)) return false;
    team.fours(length, [&](Index first) {
        const Random4 words = degradation.block(degradation.noise_key, static_cast<std::uint32_t>(first / 4));
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
