#include "engine/training/stage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/config/curriculum.hpp"
#include "engine/training/setup.hpp"

namespace abr {

Stage::Stage(const Session& session, const StageBegin& begin)
    : session_(session),
      config_(session.stages()[static_cast<std::size_t>(begin.stage)]),
      begin_(begin),
      sampler_(sampler_of(config_, session.dataset)),
      final_weights_(abr::final_weights(config_.loss, config_.curriculum)),
      steps_per_epoch_(abr::steps_per_epoch(config_, session.dataset)),
      schedule_(config_.schedule, config_.optimizer.learning_rate, steps_per_epoch_, config_.training.epochs),
      learner_(session.learner(config_)) {}

std::string Stage::title() const {
    if (config_.stage.name.empty()) return {};
    return fmt::format("stage {} ({} of {})", config_.stage.name, begin_.stage + 1, session_.stages().size());
}

std::vector<std::int32_t> Stage::order(std::int64_t epoch) const {
    return sampler_.order(static_cast<std::uint32_t>(epoch));
}

PerComponent<double> Stage::weights(std::int64_t epoch) const {
    return epoch_weights(config_.loss, config_.curriculum, static_cast<int>(epoch - begin_.epoch));
}

double Stage::learning_rate(const TrainingProgress& progress) const {
    return schedule_.rate(progress.step - begin_.step, progress.plateau);
}

bool Stage::is_final(std::int64_t epoch) const {
    return epoch - begin_.epoch >= first_final_epoch(config_.loss, config_.curriculum);
}

bool Stage::is_done(const TrainingProgress& progress) const {
    if (progress.epoch >= end_epoch()) return true;
    const int patience = config_.training.early_stopping.patience;
    const std::int64_t completed = progress.epoch - 1;
    const std::int64_t best = std::max(progress.stopping.epoch, begin_.epoch - 1);
    return patience > 0 && is_final(completed) && completed - best >= patience;
}

std::int64_t Stage::planned_epochs() const {
    std::int64_t epochs = begin_.epoch;
    for (const Config& stage : session_.stages().subspan(static_cast<std::size_t>(begin_.stage)))
        epochs += stage.training.epochs;
    return epochs;
}

}  // namespace abr
