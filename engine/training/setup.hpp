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

// Scaling of the regression heads' outputs to physical units.
HeadScaling head_scaling(const FittedStatistics&);

}  // namespace abr
