// What changes from one training step to the next, in one place in device memory. Ops read it there through a pointer,
// so that what they are launched with is the same in every step: a captured graph of a step stays valid when nothing
// but this changes. What a micro-batch adds, the place of its first recording in the step, is an argument.
#pragma once

#include <cstdint>

#include "kernels/components.hpp"
#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

struct StepState {
    std::uint64_t seed = 0;    // of every random number that is drawn
    std::int64_t step = 0;     // optimiser steps since the start of the run
    std::uint32_t epoch = 0;   // from 0
    Index first = 0;           // of the step's recordings, in the epoch's order
    Index count = 0;           // of the step's recordings: what mixes them draws partners among these places
    Index record = 0;          // of the step, in the epoch's records
    double learning_rate = 0;  // before the segments' multipliers
    double ema_decay = 0;      // of the average of the weights; not read where there is none
    PerComponent<double> weights = {};  // of the losses
    bool operator==(const StepState&) const = default;
};

namespace cpu {

// *device = state, in the stream's order. The values travel with the call: it allocates nothing, waits for nothing, and
// `state` may be changed at once. On CUDA this launch is not part of a captured step, but goes before it.
void write_step_state(Stream&, const StepState& state, StepState* device);

}  // namespace cpu

namespace cuda {

void write_step_state(Stream&, const StepState& state, StepState* device);

}  // namespace cuda
}  // namespace abr
