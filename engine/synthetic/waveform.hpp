// The repeatable part of a recording: what an average of infinitely many sweeps would show.
#pragma once

#include <span>

#include "engine/synthetic/physiology.hpp"

namespace abr::synthetic {

// Writes waves I to VI, the cochlear microphonic, the stimulus artefact, the N3 of deaf ears and the
// post-auricular muscle response, uV, at (k + 1/2) sample intervals after stimulus onset.
void draw_waveform(const Patient& patient, const Ear& ear, const Stimulus& stimulus, const Response& response,
                   double sample_interval_ms, CohortRandom& random, std::span<double> clean);

}  // namespace abr::synthetic
