// From configuration and data set, or from a checkpoint, to what the learner is built with.
#pragma once

#include "engine/config/config.hpp"
#include "engine/data/dataset.hpp"
#include "engine/training/checkpoint.hpp"
#include "model/learner.hpp"

namespace abr {

// config: with the weights of dropped components set to 0.
LearnerSettings learner_settings(const Config& config, const Dataset&);
// For measuring with the network of a checkpoint, not for going on with its training.
LearnerSettings learner_settings(const Checkpoint&);

// Recordings of one optimiser step, and such steps in an epoch; the last of them may have fewer.
Index step_recordings(const TrainingConfig&);
std::int64_t steps_per_epoch(const Config&, const Dataset&);

// Scaling of the scalar heads' outputs to physical units.
PerComponent<Scaling> head_scaling(const FittedStatistics&);

}  // namespace abr
