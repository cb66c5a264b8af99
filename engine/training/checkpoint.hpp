// A checkpoint: everything that prediction on new data, and going on with a run, needs, in one safetensors
// file.
//
//   <parameter>                     F32, by its name in the network, in the op's shape (kernel, in, out)
//   ema/<parameter>                 F32, if an average of the weights is kept: it is what was validated
//   optimizer/first_moment/<p>, optimizer/second_moment/<p>    F32
//   statistics/...                  F64, what was fitted on the training rows (engine/data/statistics.hpp)
//   progress/...                    F64 and I64, where the run stood
// Metadata: "format" = "abr_engine", "format_version", "engine_version", "epoch" and "step" (both done),
// "model", "data" and "evaluation" as JSON. Nothing depends on the run's name, place, time, threads or
// device.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/data/statistics.hpp"
#include "engine/training/evaluation_settings.hpp"
#include "engine/training/schedule.hpp"
#include "kernels/optimizer.hpp"
#include "model/learner.hpp"
#include "model/network.hpp"

namespace abr {

inline constexpr int kCheckpointVersion = 1;

// Those of a run folder. All hold the same; the best ones equal what `last` was after their epoch.
inline constexpr const char* kLastCheckpoint = "checkpoints/last.safetensors";
inline constexpr const char* kBestF1Checkpoint = "checkpoints/best_f1.safetensors";
inline constexpr const char* kBestLossCheckpoint = "checkpoints/best_loss.safetensors";

// The data that a network was trained on, as far as prediction must know it.
struct DataSettings {
    std::vector<std::string> classes;
    double sample_interval_ms = 0;
    double first_sample_ms = 0;  // time of sample 0 after the stimulus
};

// The best validated epoch by one measure.
struct BestEpoch {
    std::int64_t epoch = -1;  // none yet
    double value = -std::numeric_limits<double>::infinity();
};

// Where a run stands.
struct TrainingProgress {
    std::int64_t epoch = 0;               // the epoch under way or next: so many are complete
    std::int64_t step = 0;                // optimiser steps done over the run
    std::vector<StepRecord> epoch_steps;  // those of the epoch under way
    BestEpoch best_f1;                    // highest macro F1; without a classifier never set
    BestEpoch best_loss;                  // value = -val_loss_total
    BestEpoch stopping;                   // by early stopping's own measure, from the first final epoch
    PlateauState plateau;
};

// Whether this is where the run stood when that epoch was complete and nothing of the next was done.
inline bool is_state_after(const TrainingProgress& progress, const BestEpoch& best) {
    return best.epoch >= 0 && progress.epoch == best.epoch + 1 && progress.epoch_steps.empty();
}

struct Checkpoint {
    NetworkShape shape;
    DataSettings data;
    FittedStatistics statistics;
    EvaluationSettings evaluation;
    LearnerState learner;
    TrainingProgress progress;
};

// The bytes of the file; write_file_atomically puts them in place.
std::string serialize_checkpoint(const Checkpoint&, const ParameterLayout&);
// Bytes that each step of the epoch under way adds.
std::int64_t checkpoint_bytes_per_step();
// Throws InputError, naming the file, for anything that is not a checkpoint of this engine and version.
Checkpoint load_checkpoint(const std::filesystem::path&);

}  // namespace abr
