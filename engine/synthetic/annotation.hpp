// The annotator's mark of wave V on a noisy recording.
// Tags of constants: [S] taken from literature, [K] well known, [C] chosen, [F] fitted to the published
// marginals.
#pragma once

#include <optional>
#include <span>

#include "engine/synthetic/noise.hpp"

namespace abr::synthetic {

struct WaveVMark {
    double latency_ms = 0;
    double amplitude_uv = 0;  // peak to following trough
};

// `seen`: the clean signal with the noise that is left after the display's filter, uV; smoothed in place.
// Nothing where the annotator would not mark a wave V.
std::optional<WaveVMark> draw_mark(std::span<double> seen, const Response& response, double residual_uv,
                                   double sample_interval_ms, CohortRandom& random);

}  // namespace abr::synthetic
