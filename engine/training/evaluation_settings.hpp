// How a run measures: what it takes, besides the network and the fitted statistics, to repeat the metrics of its
// validation on a checkpoint.
#pragma once

#include <cstdint>
#include <string>

#include "engine/output/json.hpp"
#include "kernels/components.hpp"
#include "kernels/loss.hpp"
#include "metrics/calibration.hpp"
#include "model/learner.hpp"

namespace abr {

struct EvaluationSettings {
    LossSettings loss;                   // classes: as in the network's shape
    PerComponent<double> final_weights;  // of the total loss
    // Fitted on the validation of the epoch whose weights are measured; the checkpoints written before it was
    // have 1.
    Temperatures temperature = kUncalibrated;
    // Those of the second, degraded input where there is no clean signal (kernels/batch.hpp).
    std::uint64_t seed = 0;
    DegradationSettings degradation;
};

EvaluationSettings evaluation_settings(const LearnerSettings&, const PerComponent<double>& final_weights);

Json to_json(const EvaluationSettings&);
// The inverse, for a network of `classes` classes. Throws Json::exception for a document of another form,
// InputError, beginning with `file`, for a value out of range.
EvaluationSettings evaluation_settings_from_json(const Json&, Index classes, const std::string& file);

}  // namespace abr
