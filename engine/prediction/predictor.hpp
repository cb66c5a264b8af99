// A trained network in front of new recordings: everything comes from the checkpoint, nothing from the run that
// wrote it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/backend/backend.hpp"
#include "engine/data/dataset.hpp"
#include "engine/input/read_recordings.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/evaluation.hpp"
#include "model/learner.hpp"

namespace abr {

// What a user asks for. An empty path or list means: not given.
struct PredictionRequest {
    std::filesystem::path checkpoint;
    std::filesystem::path data;          // CSV or NPZ, told by its content
    std::filesystem::path layout;        // a configuration whose [data] says how the file is laid out
    std::vector<std::string> overrides;  // section.key=value, on top of it
    std::filesystem::path split_file;    // with `part`: only these patients' recordings
    std::optional<Split> part;
    bool resample = false;  // bring other sample intervals and lengths to the network's
};

class Predictor {
  public:
    // Reads checkpoint and recordings. InputError for whatever is wrong with either, or where they do not fit:
    // other classes, another sample interval or number of samples (without `resample`).
    explicit Predictor(const PredictionRequest&);

    // What the network says of each recording; restored signals are those of the recordings as they are.
    Evaluation predict();
    // The same for metrics, as validation measures: where there is no clean signal, restoring is measured on a
    // degraded copy.
    Evaluation measure();

    const Checkpoint& checkpoint() const { return checkpoint_; }
    const ChosenBackend& backend() const { return backend_; }  // run.backend
    const ReadReport& report() const { return report_; }
    int threads() const { return threads_; }      // run.threads
    std::uint64_t seed() const { return seed_; }  // run.seed
    std::size_t patients_measured() const;        // with a recording in split()
    SplitView split() const {
        return {data_, checkpoint_.data.classes, patients_, dropped_, checkpoint_.statistics.class_counts};
    }

  private:
    void read_data(const PredictionRequest&);
    Evaluation evaluate(const DeviceRecordings&);

    Checkpoint checkpoint_;
    ChosenBackend backend_;
    int threads_ = 0;
    std::uint64_t seed_ = 0;
    ReadReport report_;
    std::vector<std::string> patients_;
    SplitData data_;
    PerComponent<std::string> dropped_;
};

}  // namespace abr
