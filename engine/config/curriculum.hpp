// The curriculum over the loss weights: w_i(e) = w_i * r_i(e), epochs counted from 0.
//
//   r(e) = 0 for e < start, (e - start + 1) / ramp for start <= e < start + ramp, 1 after; ramp 0 = no ramp.
//   A component with a ramp of its own: r(e) = from + (to - from) * s(min(1, (e + 1) / epochs)),
//   s(x) = x or (1 - cos(pi x)) / 2.
// class_start -> classification, peak_start -> the three peak components, threshold_start -> threshold;
// signal is on from epoch 0.
#pragma once

#include "engine/config/config.hpp"
#include "kernels/components.hpp"

namespace abr {

// Weights of epoch `epoch`.
PerComponent<double> epoch_weights(const LossConfig&, const CurriculumConfig&, int epoch);
// Weights once the curriculum is over.
PerComponent<double> final_weights(const LossConfig&, const CurriculumConfig&);
// The first epoch in which every weight is final.
int first_final_epoch(const LossConfig&, const CurriculumConfig&);

}  // namespace abr
