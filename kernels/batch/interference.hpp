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

inline constexpr int kColouredTones = 32, kMainsLines = 3;
inline constexpr LogRange kColouredHz{30, 3000};

// Adds both to x; sd: the recording's, in uV. Whether there was any.
template <class T, class Team>
ABR_DEVICE bool add_interference(const Team& team, const Degradation& degradation, const Band& band,
                                 double interval_ms, double sd, Index length, T* x) {
    const double dt = interval_ms / 1000;
    const auto add = [&](double hz, double amount, const Random4& words) {
        if (band.on) amount *= gain_of(band, hz * dt);
        add_tone(team, 2 * hz * dt, amount, to_normal(words[0], words[1]), length, x);
    };
    const double coloured = degradation.coloured_sd * sd / std::sqrt(static_cast<double>(kColouredTones));
    if (coloured > 0) {
        const double highest = std::fmin(static_cast<double>(kColouredHz.high), 0.5 / dt);
        for (int k = 0; k < kColouredTones; ++k) {
            const Random4 words = degradation.block(degradation.tones_key, static_cast<std::uint32_t>(1 + k));
            const double place = (k + static_cast<double>(to_uniform(words[2]))) / kColouredTones;
            add(log_between(static_cast<double>(kColouredHz.low), highest, place), coloured, words);
        }
    }
    const double mains = degradation.mains_sd * sd / std::sqrt(static_cast<double>(kMainsLines));
    if (mains > 0)
        for (int h = 0; h < kMainsLines; ++h)
            add((2 * h + 1) * degradation.mains_hz, mains,
                degradation.block(degradation.tones_key, static_cast<std::uint32_t>(1 + kColouredTones + h)));
    return coloured > 0 || mains > 0;
}

}  // namespace abr
