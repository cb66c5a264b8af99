// Where a run stands, and how a checkpoint tells it: every number by its name, so that one may be added and
// the checkpoints written before are read for ever. A name that a file lacks takes its default.
//
//   metadata "progress"    JSON {name: number, ..., "step_columns": [name, ...]}, names as in progress.cpp;
//                          numbers read back the same, those that have their default are left out
//   progress/epoch_steps   F64 (steps, columns), the records of the epoch under way
// In version 1 of the checkpoint the numbers stood in fixed places of two tensors, the columns were fixed.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/formats/safetensors.hpp"
#include "engine/training/schedule.hpp"
#include "kernels/optimizer.hpp"

namespace abr {

// The best validated epoch by one measure.
struct BestEpoch {
    std::int64_t epoch = -1;  // none yet
    double value = -std::numeric_limits<double>::infinity();
    bool operator==(const BestEpoch&) const = default;
};

// The stage under way, and how much of the run was done when it began.
struct StageBegin {
    std::int64_t stage = 0;  // its place among the stages
    std::int64_t epoch = 0, step = 0;
    bool operator==(const StageBegin&) const = default;
};

// Epochs and steps are counted over the run. What is best, early stopping and the plateau are the stage's.
struct TrainingProgress {
    std::int64_t epoch = 0;               // the epoch under way or next: so many are complete
    std::int64_t step = 0;                // optimiser steps done
    std::vector<StepRecord> epoch_steps;  // those of the epoch under way
    StageBegin begin;
    BestEpoch best_f1;    // highest macro F1; without a classifier never set
    BestEpoch best_loss;  // value = -val_loss_total
    BestEpoch stopping;   // by early stopping's own measure, from the first final epoch
    PlateauState plateau;
};

// Where the next stage begins.
inline TrainingProgress next_stage(const TrainingProgress& done) {
    TrainingProgress next;
    next.epoch = done.epoch;
    next.step = done.step;
    next.begin = {done.begin.stage + 1, done.epoch, done.step};
    return next;
}

// Whether this is where the run stood when that epoch was complete and nothing of the next was done.
inline bool is_state_after(const TrainingProgress& progress, const BestEpoch& best) {
    return best.epoch >= 0 && progress.epoch == best.epoch + 1 && progress.epoch_steps.empty();
}

inline constexpr const char* kProgressKey = "progress";  // of the metadata
inline constexpr const char* kStepsTensor = "progress/epoch_steps";
// Tensors of progress that a file of any version may have.
inline constexpr const char* kProgressTensors[] = {kStepsTensor, "progress/counters", "progress/values"};

std::string progress_text(const TrainingProgress&);
// The elements of kStepsTensor, row by row; so many columns.
std::vector<double> step_values(const std::vector<StepRecord>&);
std::int64_t step_column_count();

// Of a checkpoint of any version. Throws InputError for what no run can have written.
TrainingProgress read_progress(const SafetensorsFile&);

}  // namespace abr
