// What an average holds beside the response and white noise, on the input alone:
//
// - Coloured noise, what averaging leaves of brain and muscle: power as 1/f between 30 Hz and 3 kHz (or the highest
//   frequency that the samples hold), from 32 tones of equal power, tone k at 30 Hz * 100^((k + u) / 32), u uniform.
//   Given these frequencies it is Gaussian.
// - Mains hum: 50 or 60 Hz, one as often as the other, with the third and the fifth harmonic, all of equal power.
//
// Either has the rms strength * sd of the recording, the strength drawn evenly on a logarithmic scale between its
// bounds, as averages of few sweeps and of many have it: a signal-to-noise ratio of -20 log10(strength) dB. Where the
// row has a device's band (band.hpp), the device filtered its noise, too: a tone is multiplied by the band's gain.
//
// Draws, of the purpose degradation_tones at (place, step, epoch), in validation_degraded of validation_tones at
// (recording, 0, 0): block 0: word 0 strength of coloured noise, word 1 of mains, word 2 whether 50 Hz (below 1/2);
// block 1 + k: words 0, 1 the pair of tone k, word 2 its u; block 33 + h: words 0, 1 the pair of the mains' line h.
// The coloured noise of 200 samples takes a CPU about 25 us.
#pragma once

#include "kernels/batch/band.hpp"
#include "kernels/batch/degrade.hpp"
#include "kernels/batch/tone.hpp"

namespace abr {

inline constexpr int kTones = 32, kMainsLines = 3;
inline constexpr double kLowestToneHz = 30, kHighestToneHz = 3000;

struct Interference {
    double tone_sd, line_sd;  // of each tone, and line of the mains, relative to the recording's sd; 0 = none
    double first_tone, tones_apart;  // tone k advances by pi exp(first_tone + (k + u) tones_apart) a sample
    double mains;                    // its lowest line by pi mains
    std::uint64_t key;
};

// degradation: of the same row, for which it says whether and where to draw.
ABR_HOST_DEVICE inline Interference draw_interference(const BatchSettings& settings, BatchMode mode,
                                                      const Degradation& degradation, std::uint64_t seed) {
    const LogRange &coloured = settings.degradation.coloured_sd, &mains = settings.degradation.mains_sd;
    if (!degradation.on || !(coloured.high > 0 || mains.high > 0)) return {};
    const std::uint64_t key = stream_key(
        seed, mode == BatchMode::training ? Purpose::degradation_tones : Purpose::validation_tones);
    const Random4 words = degradation.block(key, 0);
    const double turns_of_hz = 2 * settings.sample_interval_ms / 1000;
    const double first_tone = std::log(kLowestToneHz * turns_of_hz);
    return {.tone_sd = draw_from(coloured, words[0]) / std::sqrt(static_cast<double>(kTones)),
            .line_sd = draw_from(mains, words[1]) / std::sqrt(static_cast<double>(kMainsLines)),
            .first_tone = first_tone,
            .tones_apart = (std::fmin(0.0, std::log(kHighestToneHz * turns_of_hz)) - first_tone) / kTones,
            .mains = (to_uniform(words[2]) < 0.5f ? 50 : 60) * turns_of_hz,
            .key = key};
}

// Adds both to x; sd: the recording's, in uV. Whether there was any.
template <class T, class Team>
ABR_DEVICE bool add_interference(const Team& team, const Interference& interference,
                                 const Degradation& degradation, const Band& band, double sd, Index length,
                                 T* x) {
    const double tone = interference.tone_sd * sd, line = interference.line_sd * sd;
    for (int k = 0; k < kTones + kMainsLines; ++k) {
        const bool is_tone = k < kTones;
        double amount = is_tone ? tone : line;
        if (!(amount > 0)) continue;
        const Random4 words = degradation.block(interference.key, static_cast<std::uint32_t>(1 + k));
        const double place = k + static_cast<double>(to_uniform(words[2]));
        const double turns = is_tone ? std::exp(interference.first_tone + place * interference.tones_apart)
                                     : (2 * (k - kTones) + 1) * interference.mains;
        const Direction step = direction_of_pi(turns);
        if (band.on) amount *= gain_of(band, step.cosine);
        add_tone(team, turns, step, amount, to_normal(words[0], words[1]), length, x);
    }
    return tone > 0 || line > 0;
}

}  // namespace abr
