// CSV files that are written at once: split.csv, predictions, restored signals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace abr {

struct SplitRow {
    std::string patient_id;
    std::string class_name;  // modal class, empty where the patient has no label
    std::int64_t recordings = 0;
    std::string split;  // "train", "val", "test"
};
void write_split(const std::filesystem::path& path, std::span<const SplitRow> rows);

// Empty where it is not labelled, or the head is not built.
struct PredictionRow {
    std::int64_t recording = 0;  // 1-based data row
    std::string patient_id;
    std::optional<std::int32_t> class_true, class_predicted;  // index into the class names
    std::vector<float> probabilities;                         // (K), or none
    std::optional<bool> wave_v_true;
    std::optional<float> p_wave_v;
    std::optional<float> latency_true_ms, latency_predicted_ms;
    std::optional<float> amplitude_true_uv, amplitude_predicted_uv;
    std::optional<float> threshold_true_db, threshold_predicted_db;
};
void write_predictions(const std::filesystem::path& path, std::span<const std::string> class_names,
                       std::span<const PredictionRow> rows);

// recording, patient_id, s0 ... s{T-1} in uV; restored_uv (rows, T).
void write_restored(const std::filesystem::path& path, std::span<const PredictionRow> rows,
                    std::span<const float> restored_uv);

}  // namespace abr
