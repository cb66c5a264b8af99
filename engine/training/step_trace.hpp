// What a run's first training batches hold, and what the network makes of the first one: losses, outputs and the
// gradient of every parameter, so that another implementation can be held against this one.
#pragma once

#include <filesystem>

#include "engine/training/session.hpp"

namespace abr {

struct TraceOptions {
    std::filesystem::path out;         // safetensors
    std::filesystem::path checkpoint;  // parameters; empty = those that the run begins with
    int batches = 1;
};

// The batches are those of epoch 0 in their order, at most as many as it has. Tensors, F32:
//   batch<i>/...                       inputs and targets of batch i, names as in model/learner.hpp
//   outputs/..., losses, gradients/... of batch 0
//   weights (components), class_weights (classes)
// Throws InputError for a checkpoint of another network, or micro-batches (training.accumulation > 1).
void write_step_trace(const Session&, const TraceOptions&);

}  // namespace abr
