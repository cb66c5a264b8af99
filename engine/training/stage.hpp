// One stage of a run while it is trained: its learner, and what the epoch loop asks of its configuration.
// Epochs and steps are those of the run; the schedule, the curriculum, early stopping and the learner count
// from the stage's first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/data/sampler.hpp"
#include "engine/training/progress.hpp"
#include "engine/training/schedule.hpp"
#include "engine/training/session.hpp"

namespace abr {

class Stage {
  public:
    // With a learner of initial weights. The session outlives the stage.
    Stage(const Session&, const StageBegin&);

    const Config& config() const { return config_; }
    const StageBegin& begin() const { return begin_; }
    Learner& learner() const { return *learner_; }  // its steps count from begin().step
    // "stage pretrain (1 of 2)", or empty where no stages are written.
    std::string title() const;

    std::vector<std::int32_t> order(std::int64_t epoch) const;
    PerComponent<double> weights(std::int64_t epoch) const;
    const PerComponent<double>& final_weights() const { return final_weights_; }
    std::int64_t steps_per_epoch() const { return steps_per_epoch_; }
    std::int64_t first_step(std::int64_t epoch) const {
        return begin_.step + (epoch - begin_.epoch) * steps_per_epoch_;
    }

    double learning_rate(const TrainingProgress&) const;  // of the next step
    std::int64_t end_epoch() const { return begin_.epoch + config_.training.epochs; }
    bool is_last() const { return begin_.stage + 1 == std::ssize(session_.stages()); }
    // Whether every weight has its final value in an epoch, from which early stopping counts.
    bool is_final(std::int64_t epoch) const;
    // Whether the stage has had its epochs or stops early.
    bool is_done(const TrainingProgress&) const;
    // How many epochs the run has if no stage from this one on stops early.
    std::int64_t planned_epochs() const;

  private:
    const Session& session_;
    const Config& config_;
    StageBegin begin_;
    EpochSampler sampler_;
    PerComponent<double> final_weights_;
    std::int64_t steps_per_epoch_;
    LearningRateSchedule schedule_;
    std::unique_ptr<Learner> learner_;
};

}  // namespace abr
