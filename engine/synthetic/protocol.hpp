// What is played: ears, levels, rates and replicates of one patient's session.
#pragma once

#include <vector>

#include "engine/synthetic/population.hpp"

namespace abr::synthetic {

struct Stimulus {
    std::size_t ear = 0;        // 0 left, 1 right
    double level_db = 0;        // dB nHL, 0 to 100
    double rate_hz = 0;         // clicks a second
    double tone_burst_khz = 0;  // low-frequency tone burst logged as a click; 0 = click
};

// One entry a recording, ear by ear in the order of the threshold search.
std::vector<Stimulus> draw_session(const Patient& patient, int recordings, CohortRandom& random);

}  // namespace abr::synthetic
