// The epoch loop: trains, validates, writes the run folder's tables and checkpoints.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/report.hpp"
#include "engine/data/sampler.hpp"
#include "engine/output/console.hpp"
#include "engine/output/run_folder.hpp"
#include "engine/output/run_log.hpp"
#include "engine/output/run_summary.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/schedule.hpp"
#include "metrics/split_metrics.hpp"
#include "model/learner.hpp"

namespace abr {

// What a run works on; all of it outlives the trainer.
struct RunParts {
    const Config& config;  // weights of dropped components are 0
    const Dataset& dataset;
    const EpochSampler& sampler;
    const RunFolder& folder;
    Console& console;
    DataReport& report;  // the trainer adds the metrics that the data cannot give
    Profile* profile;    // gets the time of training steps and evaluations; null: not measured
};

class Trainer {
  public:
    explicit Trainer(const RunParts&);

    // Trains to the end, to early stopping or to an interrupt, then measures validation and test with the
    // best checkpoint. Throws RunError when a loss is not finite, naming component, step and recordings;
    // `summary` then tells of the epochs before.
    void run(RunSummary& summary);

  private:
    void check_gradients();
    void train_epoch();
    void take_steps(bool due);
    [[noreturn]] void stop_at_bad_step(const StepStatus&);
    // Which best epochs an epoch replaced.
    struct Improved {
        bool f1 = false, loss = false;
    };
    Improved validate(EpochRecord&);
    Improved note_best(const SplitMetrics&, const Evaluation&);
    bool should_stop(const SplitMetrics&);
    void summarise(RunSummary&) const;
    void measure_best(RunSummary&);
    void save(const char* name);
    void declare_absent(const SplitMetrics&);
    void show_progress(std::int64_t steps_done);
    void write_predictions_of(Split, const Evaluation&) const;
    const BestEpoch& best() const { return has_classifier() ? progress_.best_f1 : progress_.best_loss; }
    bool has_classifier() const { return p_.dataset.is_on(Component::classification); }
    Index step_rows() const { return Index{p_.config.training.batch_size} * p_.config.training.accumulation; }

    RunParts p_;
    std::unique_ptr<Learner> learner_;
    PerComponent<bool> present_;
    PerComponent<double> weights_, final_weights_;
    std::int64_t steps_per_epoch_;
    LearningRateSchedule schedule_;
    RunLog log_;
    Checkpoint checkpoint_;       // what does not change, and the progress
    TrainingProgress& progress_;  // of checkpoint_
    std::vector<std::int32_t> order_;
    std::chrono::steady_clock::time_point last_save_, epoch_start_;
    std::size_t taken_ = 0;  // steps of this epoch that were read from the learner
    double training_seconds_ = 0;
    std::int64_t trained_recordings_ = 0;
    bool interrupted_ = false;
};

}  // namespace abr
