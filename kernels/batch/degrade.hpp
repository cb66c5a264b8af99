// How a row's input is degraded, so that restoring the signal means something, and white noise on it. What is not white
// is added by interference.hpp.
#pragma once

#include "kernels/batch.hpp"
#include "kernels/batch/draws.hpp"

namespace abr {

struct Degradation {
    bool on;
    double noise_sd;  // of white noise, relative to the recording's sd
    // Block j of a key is drawn at (j, place, step, epoch); noise_key: of white noise, samples 4 j ... 4 j + 3.
    std::uint64_t noise_key;
    std::uint32_t place, step, epoch;

    ABR_HOST_DEVICE Random4 block(std::uint64_t key, std::uint32_t index) const {
        return philox4x32(key, index, place, step, epoch);
    }
};

// The degradation of row `recording` of the split.
ABR_HOST_DEVICE inline Degradation draw_degradation(const DegradationSettings& settings, BatchMode mode,
                                                    const RowDraws& draws, Index recording) {
    const double sd = static_cast<double>(settings.noise_sd);
    if (mode == BatchMode::validation_degraded)
        return {.on = settings.probability > 0,
                .noise_sd = sd,
                .noise_key = stream_key(draws.seed, Purpose::validation_noise),
                .place = static_cast<std::uint32_t>(recording),
                .step = 0,
                .epoch = 0};
    return {.on = mode == BatchMode::training &&
                  happens(draws.block(Purpose::degradation_decision, 0)[0], settings.probability),
            .noise_sd = sd,
            .noise_key = stream_key(draws.seed, Purpose::degradation_noise),
            .place = draws.place,
            .step = draws.step,
            .epoch = draws.epoch};
}

// Adds the white noise to x; sd: the recording's, in uV. Whether there was any.
template <class T, class Team>
ABR_DEVICE bool add_noise(const Team& team, const Degradation& degradation, double sd, Index length, T* x) {
    const double amount = degradation.noise_sd * sd;
    if (!degradation.on || !(amount > 0)) return false;
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
