// The epoch loop: trains stage by stage, validates, writes the run folder's tables and checkpoints.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/data/report.hpp"
#include "engine/records/console.hpp"
#include "engine/records/run_folder.hpp"
#include "engine/records/run_log.hpp"
#include "engine/records/run_summary.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/run_observer.hpp"
#include "engine/training/session.hpp"
#include "engine/training/setup.hpp"
#include "engine/training/stage.hpp"
#include "engine/training/stage_weights.hpp"
#include "metrics/split_metrics.hpp"

namespace abr {

// What a run works on; all of it outlives the trainer.
struct RunParts {
    const Session& session;
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

    // Trains each stage to its end or to early stopping, then measures validation and test with the best
    // checkpoint of the last one; an interrupt ends it after the step under way, with that step saved. Throws
    // RunError when a loss is not finite, naming component, step and recordings; `summary` then tells of the
    // epochs before.
    void run(RunSummary& summary);

  private:
    void describe_stage();
    void begin_next_stage();
    void announce_stage() const;
    void probe_space();
    void check_gradients();
    std::vector<const char*> best_files() const;
    bool finished() const { return stage_->is_last() && stage_->is_done(progress_); }
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
    void write_predictions_of(Split, const Evaluation&, const Temperatures&) const;
    const Config& config() const { return stage_->config(); }
    const Dataset& dataset() const { return p_.session.dataset; }
    bool has_classifier() const { return dataset().is_on(Component::classification); }
    bool by_f1() const { return is_judged_by_f1(config(), dataset()); }
    const BestEpoch& best() const { return by_f1() ? progress_.best_f1 : progress_.best_loss; }
    const char* best_file() const { return by_f1() ? kBestF1Checkpoint : kBestLossCheckpoint; }
    Index step_rows() const { return step_recordings(config().training); }

    RunParts p_;
    std::optional<Stage> stage_;          // the one under way
    std::optional<WeightOrigin> origin_;  // of its weights, where they were loaded
    PerComponent<bool> present_;
    RunLog log_;
    PerComponent<double> weights_;  // of this epoch
    Checkpoint checkpoint_;         // what does not change in a stage, the progress and the temperatures
    TrainingProgress& progress_;    // of checkpoint_
    std::vector<std::int32_t> order_;
    std::chrono::steady_clock::time_point last_save_, epoch_start_;
    std::size_t taken_ = 0;              // steps of this epoch that were read from the learner
    std::int64_t epoch_recordings_ = 0;  // trained on in this epoch since the run was begun or gone on with
    double training_seconds_ = 0;
    std::int64_t trained_recordings_ = 0;
    bool interrupted_ = false;
};

}  // namespace abr
