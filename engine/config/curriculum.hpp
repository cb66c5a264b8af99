// The curriculum over the loss weights: w_i(e) = w_i * r_i(e), epochs counted from 0.
//
//   r(e) = 0 for e < start, (e - start + 1) / ramp for start <= e < start + ramp, 1 after; ramp 0 = no ramp.
//   The signal has no such ramp. A component with a ramp of its own: r(e) = 0 for e < start, then
//   from + (to - from) * s(min(1, (e - start + 1) / epochs)), s(x) = x or (1 - cos(pi x)) / 2.
// A component's start is its own, else 0 where it has a ramp of its own, else that of the key that governs
// it, else 0.
#pragma once

#include <string_view>

#include "engine/config/config.hpp"
#include "kernels/components.hpp"

namespace abr {

// A key of [curriculum] that gives components their start.
struct SharedStart {
    std::string_view key;
    int CurriculumConfig::*epoch;
    PerComponent<bool> governs;
};
inline constexpr SharedStart kSharedStarts[] = {
    {"curriculum.class_start", &CurriculumConfig::class_start,
     per_component<bool>({{Component::classification, true}})},
    {"curriculum.peak_start", &CurriculumConfig::peak_start,
     per_component<bool>({{Component::peak_exist, true},
                          {Component::peak_latency, true},
                          {Component::peak_amplitude, true},
                          {Component::peak_location, true}})},
    {"curriculum.threshold_start", &CurriculumConfig::threshold_start,
     per_component<bool>({{Component::threshold, true}})}};

int start_epoch(const CurriculumConfig&, Component);
// Weights of epoch `epoch`.
PerComponent<double> epoch_weights(const LossConfig&, const CurriculumConfig&, int epoch);
// Weights once the curriculum is over.
PerComponent<double> final_weights(const LossConfig&, const CurriculumConfig&);
// The first epoch in which every weight is final.
int first_final_epoch(const LossConfig&, const CurriculumConfig&);

}  // namespace abr
