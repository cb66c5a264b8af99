// The learning rate of every optimiser step.
//
// Warm-up is linear over the first warmup_epochs: eta0 * (step + 1) / warm-up steps. After it, with t the
// steps since the end of the warm-up and T = t / steps per epoch (fractional epochs):
//   constant       eta0
//   cosine         min + (eta0 - min)/2 * (1 + cos(pi * t / remaining steps))
//   warm_restarts  min + (eta0 - min)/2 * (1 + cos(pi * T_cur / T_i)), T_0 = t0, T_{i+1} = t_mult * T_i epochs
//                  (both Loshchilov and Hutter 2017)
//   step           max(min, eta0 * factor^floor(T / step_epochs))
//   plateau        max(min, eta0 * factor^k), k = how often val_loss_total did not improve for `patience` + 1
//                  epochs in a row
#pragma once

#include <cstdint>
#include <limits>

#include "engine/config/config.hpp"

namespace abr {

// What the plateau schedule has seen; part of a checkpoint.
struct PlateauState {
    double best_loss = std::numeric_limits<double>::infinity();
    std::int64_t epochs_without_improvement = 0;
    std::int64_t reductions = 0;
};

class LearningRateSchedule {
  public:
    // learning_rate: eta0. steps_per_epoch, epochs >= 1.
    LearningRateSchedule(const ScheduleConfig&, double learning_rate, std::int64_t steps_per_epoch,
                         std::int64_t epochs);

    // step: counted from 0, as the schedule begins.
    double rate(std::int64_t step, const PlateauState& = {}) const;

  private:
    ScheduleConfig config_;
    double learning_rate_;
    std::int64_t steps_per_epoch_, warmup_steps_, total_steps_;
};

// After an epoch's validation.
void observe_plateau(PlateauState&, const ScheduleConfig&, double val_loss_total);

}  // namespace abr
