// From configuration and data set, or from a checkpoint, to what the learner is built with.
#pragma once

#include "engine/config/config.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/sampler.hpp"
#include "engine/training/checkpoint.hpp"
#include "model/learner.hpp"

namespace abr {

// config: of a stage, with the weights of dropped components set to 0.
LearnerSettings learner_settings(const Config& config, const Dataset&);
// For measuring with the network of a checkpoint, not for going on with its training.
LearnerSettings learner_settings(const Checkpoint&);

// Recordings of one optimiser step, and such steps in an epoch; the last of them may have fewer.
Index step_recordings(const TrainingConfig&);
std::int64_t steps_per_epoch(const Config&, const Dataset&);

// What is fitted on the training rows, with the class weights that the configuration asks for.
FittedStatistics statistics_of(const Config&, const Dataset&);
EpochSampler sampler_of(const Config&, const Dataset&);

// Whether the macro F1 says which epoch is the best: where there is a classifier that is trained. Else the
// loss does.
bool is_judged_by_f1(const Config&, const Dataset&);

// Scaling of the scalar heads' outputs to physical units.
PerComponent<Scaling> head_scaling(const FittedStatistics&);

}  // namespace abr
