// The epoch loop: trains, validates, writes the run folder's tables and checkpoints.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/backend/backend.hpp"
#include "engine/config/config.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/report.hpp"
#include "engine/data/sampler.hpp"
#include "engine/records/console.hpp"
#include "engine/records/run_folder.hpp"
#include "engine/records/run_log.hpp"
#include "engine/records/run_summary.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/run_observer.hpp"
#include "engine/training/schedule.hpp"
#include "engine/training/setup.hpp"
#include "metrics/split_metrics.hpp"
#include "model/learner.hpp"

namespace abr {

// What a run works on; all of it outlives the trainer.
struct RunParts {
    const Config& config;  // weights of dropped components are 0
    const ChosenBackend& backend;
    const Dataset& dataset;
    const EpochSampler& sampler;
    const RunFolder& folder;
    Console& console;
    DataReport& report;  // the trainer adds the metrics that the data cannot give
    RunObserver& observer;
    const Checkpoint* resumed = nullptr;  // where the run goes on; null: at the beginning
    Profile* profile = nullptr;           // gets the time of training steps and evaluations
};

class Trainer {
  public:
    // Begins the run folder's tables, or cuts those that are there to where the run goes on.
    explicit Trainer(const RunParts&);

    // Trains to the end or to early stopping, then measures validation and test with the best checkpoint; an
    // interrupt ends it after the step under way, with that step saved. Throws RunError when a loss is not finite, naming component, step and recordings;
    // `summary` then tells of the epochs before.
    void run(RunSummary& summary);

  private:
    void probe_space();
    void check_gradients();
    std::vector<const char*> best_files() const;
    bool done() const;
    void train_epoch();
    void finish_epoch(RunSummary&);
    void take_steps(bool due);
    [[noreturn]] void stop_at_bad_step(const StepStatus&);
    void validate(EpochRecord&);
    void note_best(const SplitMetrics&, const Evaluation&);
    void observe_stopping(const SplitMetrics&);
    void summarise(RunSummary&) const;
    void measure_best(RunSummary&);
    void save(const std::vector<const char*>& files);
    void declare_absent(const SplitMetrics&);
    void show_progress(std::int64_t steps_done);
    void write_predictions_of(Split, const Evaluation&) const;
    const BestEpoch& best() const { return has_classifier() ? progress_.best_f1 : progress_.best_loss; }
    bool has_classifier() const { return p_.dataset.is_on(Component::classification); }
    const char* best_file() const { return has_classifier() ? kBestF1Checkpoint : kBestLossCheckpoint; }
    Index step_rows() const { return step_recordings(p_.config.training); }

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
    std::size_t taken_ = 0;              // steps of this epoch that were read from the learner
    std::int64_t epoch_recordings_ = 0;  // trained on in this epoch since the run was begun or gone on with
    double training_seconds_ = 0;
    std::int64_t trained_recordings_ = 0;
    bool interrupted_ = false;
};

}  // namespace abr
