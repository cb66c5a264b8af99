#include "engine/training/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace abr {

LearningRateSchedule::LearningRateSchedule(const ScheduleConfig& config, double learning_rate,
                                           std::int64_t steps_per_epoch, std::int64_t epochs)
    : config_(config),
      learning_rate_(learning_rate),
      steps_per_epoch_(steps_per_epoch),
      warmup_steps_(config.warmup_epochs * steps_per_epoch),
      total_steps_(epochs * steps_per_epoch) {}

double LearningRateSchedule::rate(std::int64_t step, const PlateauState& plateau) const {
    if (step < warmup_steps_)
        return learning_rate_ * static_cast<double>(step + 1) / static_cast<double>(warmup_steps_);
    const auto after = static_cast<double>(step - warmup_steps_);
    const double epochs = after / static_cast<double>(steps_per_epoch_);
    const auto cosine = [&](double progress) {
        return config_.min_lr + (learning_rate_ - config_.min_lr) / 2 *
                                    (1 + std::cos(std::numbers::pi * std::min(1.0, progress)));
    };
    switch (config_.type) {
        case ScheduleType::constant:
            return learning_rate_;
        case ScheduleType::cosine:
            return cosine(after / static_cast<double>(total_steps_ - warmup_steps_));
        case ScheduleType::warm_restarts: {
            double period = config_.t0;
            double current = epochs;
            while (current >= period) {
                current -= period;
                period *= config_.t_mult;
            }
            return cosine(current / period);
        }
        case ScheduleType::step:
            return std::max(
                config_.min_lr,
                learning_rate_ * std::pow(config_.factor, std::floor(epochs / config_.step_epochs)));
        case ScheduleType::plateau:
            return std::max(
                config_.min_lr,
                learning_rate_ * std::pow(config_.factor, static_cast<double>(plateau.reductions)));
    }
    return learning_rate_;
}

void observe_plateau(PlateauState& state, const ScheduleConfig& config, double val_loss_total) {
    if (val_loss_total < state.best_loss) {
        state.best_loss = val_loss_total;
        state.epochs_without_improvement = 0;
        return;
    }
    if (++state.epochs_without_improvement <= config.patience) return;
    state.epochs_without_improvement = 0;
    ++state.reductions;
}

}  // namespace abr
