// Noise to noise (Lehtinen et al. 2018, "Noise2Noise: learning image restoration without clean data"): where there is no
// clean signal, training restores towards another average of the same ear, level and rate. Its noise is independent of
// the input's, so that the expected squared error is least for the response that both share. A recording that is alone is
// its own target. Shift, scale and band of the target are those of the input.
//
// Draws: augment_decision, block 3: word 0 which of the n - 1 others (word * (n - 1) / 2^32).
#pragma once

#include "kernels/batch.hpp"
#include "kernels/batch/draws.hpp"

namespace abr {

// The row of the split whose recording is the target of row `recording`, where there is no clean signal.
ABR_HOST_DEVICE inline Index draw_target(const DegradationSettings& settings, const AlikeAverages& alike,
                                         const RowDraws& draws, bool training, Index recording) {
    if (!training || !settings.noise_to_noise || alike.order == nullptr) return recording;
    const std::int32_t* const averages = alike.order + alike.first[recording];
    const std::int32_t others = alike.count[recording] - 1;
    if (others == 0) return recording;
    const std::uint64_t word = draws.block(Purpose::augment_decision, 3)[0];
    const std::int32_t drawn = averages[word * static_cast<std::uint64_t>(others) >> 32];
    return drawn == recording ? averages[others] : drawn;
}

}  // namespace abr
