// The memory that a learner keeps from its first step to its last.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/evaluation.hpp"
#include "kernels/loss.hpp"
#include "kernels/optimizer.hpp"
#include "model/batch_buffers.hpp"
#include "model/learner.hpp"

namespace abr {

// Recordings of an optimiser step.
inline Index step_rows(const LearnerSettings& settings) {
    return settings.batch_size * settings.accumulation;
}

template <template <class> class Buffer>
struct LearnerMemory {
    // further_losses: doubles of workspace that they need.
    LearnerMemory(const LearnerSettings& settings, const Network& network, Index further_losses)
        : LearnerMemory(settings, network, further_losses, network.parameters().size()) {}

    Buffer<float> value, gradient, first_moment, second_moment, ema;  // ema is empty when off
    Buffer<float> arena, statistics, workspace;
    GradientClaims claims;
    Buffer<double> sums_workspace;
    BatchBuffers<Buffer, float> batch;  // of the whole step
    Buffer<float> class_weights;
    Buffer<ParameterSegment> segments;
    Buffer<StepState> state;
    Buffer<LossSums> sums;
    Buffer<StepStatus> status;

  private:
    LearnerMemory(const LearnerSettings& settings, const Network& network, Index further_losses,
                  Index parameters)
        : value(parameters),
          gradient(parameters),
          first_moment(parameters),
          second_moment(parameters),
          ema(settings.ema_decay > 0 ? parameters : 0),
          arena(network.arena_size()),
          statistics(network.statistics_size()),
          workspace(network.workspace_size()),
          claims(network.gradients()),
          sums_workspace(
              std::max({loss_workspace(step_rows(settings)), evaluation_workspace(settings.batch_size),
                        optimizer_workspace(parameters), further_losses})),
          batch(settings.shape, network.input_pad(), step_rows(settings)),
          class_weights(settings.shape.classes),
          segments(static_cast<Index>(network.parameters().segments(settings.rates).size())),
          state(1),
          sums(1),
          status(1) {}
};

// Bytes of it, planned and not allocated.
std::int64_t learner_bytes(const LearnerSettings&);

// The largest batch_size of a learner with these other settings that takes no more than `bytes`; 0: none does.
Index largest_batch(LearnerSettings settings, std::int64_t bytes);

}  // namespace abr
