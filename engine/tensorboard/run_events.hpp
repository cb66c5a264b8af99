// The TensorBoard event file of a run, tensorboard/events.out.tfevents.abr_engine: what epochs.csv and
// confusion_matrix.csv hold, tag by tag, step = epoch.
//
//   train/loss_<c>, train/loss_total    train_variance/<c>_std    val/<metric>    val/f1/<class>
//   ratios/train_<c>_share    ratios/val_<c>_share (final weights)    curriculum/weight_<c>
//   optimizer/learning_rate    optimizer/grad_norm (the mean)    confusion_matrix (image, every 5 epochs)
//
// An empty cell has no point. The time of a point is the run's start plus the seconds of its epochs, so that a
// file written from the CSVs is the one that was written live.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/records/recorded_run.hpp"

namespace abr {

class RunEvents {
  public:
    virtual ~RunEvents() = default;
    // Writes the epochs that have come since, and flushes.
    virtual void append(const RecordedRun&) = 0;
};

// Replaces the event file of the run folder by one that holds every epoch of the tables, then goes on with it:
// for a new run, and for one that is resumed, once its CSVs are cut. Null where this build has no TensorBoard.
// Throws RunError on the system's errors.
std::unique_ptr<RunEvents> rewrite_run_events(const std::filesystem::path& run_folder, const RecordedRun&);

}  // namespace abr
