// A checkpoint: everything that prediction on new data, and going on with a run, needs, in one safetensors
// file.
//
//   <parameter>                     F32, by its name in the network, in the op's shape (kernel, in, out)
//   ema/<parameter>                 F32, if an average of the weights is kept: it is what was validated
//   optimizer/first_moment/<p>, optimizer/second_moment/<p>    F32
//   statistics/...                  F64, what was fitted on the training rows (engine/data/statistics.hpp)
//   progress/...                    F64, the steps of the epoch under way (engine/training/progress.hpp)
// Metadata: "format" = "abr_engine", "format_version", "engine_version", "epoch" and "step" (both done),
// "progress", "model", "data" and "evaluation" as JSON. Nothing depends on the run's name, place, time,
// threads or device.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/data/statistics.hpp"
#include "engine/records/run_folder.hpp"
#include "engine/training/evaluation_settings.hpp"
#include "engine/training/progress.hpp"
#include "model/learner.hpp"
#include "model/network.hpp"

namespace abr {

inline constexpr int kCheckpointVersion = 2;  // of what is written; 1 differs in where progress stands

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

struct Checkpoint {
    NetworkShape shape;
    DataSettings data;
    FittedStatistics statistics;
    EvaluationSettings evaluation;
    LearnerState learner;
    TrainingProgress progress;
};

std::string serialize_checkpoint(const Checkpoint&, const ParameterLayout&);  // the bytes of the file
// Replaces these files of the run by the checkpoint, one after the other. Touches nothing but its arguments
// and the files, so that a thread beside the training could do it with a copy.
void write_checkpoint(const Checkpoint&, const ParameterLayout&, const RunFolder&,
                      std::span<const char* const> files);
// Bytes that each step of the epoch under way adds.
std::int64_t checkpoint_bytes_per_step();
// Throws InputError, naming the file, for anything that is not a checkpoint of this engine and version.
Checkpoint load_checkpoint(const std::filesystem::path&);

}  // namespace abr
