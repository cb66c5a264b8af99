// CSV files that are written at once: split.csv, predictions, restored signals, metrics by level, reliability.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/components.hpp"
#include "metrics/calibration.hpp"
#include "metrics/split_metrics.hpp"

namespace abr {

struct SplitRow {
    std::string patient_id;
    std::string class_name;  // modal class, empty where the patient has no label
    std::int64_t recordings = 0;
    std::string split;  // "train", "val", "test"
};
void write_split(const std::filesystem::path& path, std::span<const SplitRow> rows);

struct PredictionRow {
    // What a task says and what is true: classes in labels, binary tasks as a label and a probability, scalar tasks in
    // their units. Empty where the recording is not labelled, or the head is not built.
    struct Answer {
        std::optional<std::int32_t> true_label = {}, predicted_label = {};
        std::optional<float> true_value = {}, predicted = {};
    };
    std::int64_t recording = 0;  // 1-based data row
    std::string patient_id;
    PerComponent<Answer> answer;
    std::vector<float> probabilities;  // (K) of the classes, or none
    std::vector<std::string_view>
        missing_inputs;  // columns of the static inputs that the network did without
};
// The last column, missing_inputs, is always there: names with spaces between, empty where nothing is missing.
void write_predictions(const std::filesystem::path& path, std::span<const std::string> class_names,
                       std::span<const PredictionRow> rows);

// A bin of the probabilities that a task states of a split; reliability.csv.
struct ReliabilityRow {
    std::string split;
    Component task = {};
    double temperature = 1;
    ReliabilityBin bin;
};
void write_reliability(const std::filesystem::path& path, std::span<const ReliabilityRow> rows);

// Metrics of the recordings of a split that have one stimulus level and one true class; by_level.csv.
struct LevelRow {
    std::string split;
    std::optional<float> intensity_db;       // dB nHL; empty: of every level
    std::optional<std::int32_t> true_class;  // empty: of every class, and without one
    std::int64_t recordings = 0;
    SplitMetrics metrics;
};
// Losses have no columns: they are no property of some recordings alone. All rows have the same metrics.
void write_by_level(const std::filesystem::path& path, std::span<const std::string> class_names,
                    std::span<const LevelRow> rows);

// recording, patient_id, s0 ... s{T-1}: what is said of every sample, values (rows, T).
void write_samples(const std::filesystem::path& path, std::span<const PredictionRow> rows,
                   std::span<const float> values);

}  // namespace abr
