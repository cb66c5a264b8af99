// The laws of the response: latencies and amplitudes of the waves of one recording.
// Tags of constants: [S] taken from literature, [K] well known, [C] chosen, [F] fitted to the published
// marginals.
#pragma once

#include "engine/synthetic/population.hpp"
#include "engine/synthetic/protocol.hpp"

namespace abr::synthetic {

// m: excess of the interpeak interval I-V over the adult's, relative to a newborn's. 1 at birth to 0.
double immaturity(double age_years);

// What the waves of one recording are like, before they are drawn. Levels dB nHL, latencies ms, amplitudes
// uV.
struct Response {
    double effective_level_db = 0;  // Ieq, sets the amplitudes
    double latency_level_db = 0;    // Ilat, sets the latencies
    double wave_v_ms = 0;           // LV
    double wave_v_uv = 0;           // A_V, peak to following trough
    double wave_i_ms = 0;           // L_I
    double wave_i_uv = 0;           // A_I
    double wave_iii_ms = 0;         // L_III
    double wave_iii_uv = 0;         // A_III
};

Response draw_response(const Patient& patient, const Ear& ear, const Stimulus& stimulus,
                       CohortRandom& random);

}  // namespace abr::synthetic
