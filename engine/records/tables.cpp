#include "engine/records/tables.hpp"

#include <stdexcept>

#include "engine/output/csv.hpp"
#include "engine/output/file.hpp"

namespace abr {
namespace {

const std::vector<std::string> kSplitColumns = {"patient_id", "class", "recordings", "split"};

std::vector<std::string> prediction_columns(std::span<const std::string> class_names) {
    std::vector<std::string> columns = {"recording", "patient_id", "class_true", "class_predicted"};
    for (const std::string& name : class_names) columns.push_back("p_" + name);
    for (const char* name :
         {"wave_v_true", "p_wave_v", "latency_true_ms", "latency_predicted_ms", "amplitude_true_uv",
          "amplitude_predicted_uv", "threshold_true_db", "threshold_predicted_db"}) {
        columns.emplace_back(name);
    }
    return columns;
}

}  // namespace

void write_split(const std::filesystem::path& path, std::span<const SplitRow> rows) {
    CsvTable table(csv_header(kSplitColumns));
    for (const SplitRow& patient : rows) {
        CsvRow row;
        row.text(patient.patient_id).text(patient.class_name).integer(patient.recordings).text(patient.split);
        table.append(row);
    }
    write_file_atomically(path, table.bytes());
}

void write_predictions(const std::filesystem::path& path, std::span<const std::string> class_names,
                       std::span<const PredictionRow> rows) {
    const auto class_cell = [&](const std::optional<std::int32_t>& index) -> std::string {
        if (!index) return {};
        if (*index < 0 || static_cast<std::size_t>(*index) >= class_names.size()) {
            throw std::invalid_argument("a prediction of a class that has no name");
        }
        return class_names[static_cast<std::size_t>(*index)];
    };
    CsvTable table(csv_header(prediction_columns(class_names)));
    for (const PredictionRow& prediction : rows) {
        if (!prediction.probabilities.empty() && prediction.probabilities.size() != class_names.size()) {
            throw std::invalid_argument(
                "a prediction with another number of class probabilities than classes");
        }
        CsvRow row;
        row.integer(prediction.recording).text(prediction.patient_id);
        row.text(class_cell(prediction.class_true)).text(class_cell(prediction.class_predicted));
        if (prediction.probabilities.empty()) {
            for (std::size_t c = 0; c < class_names.size(); ++c) row.empty();
        }
        for (const float probability : prediction.probabilities) row.number(probability);
        prediction.wave_v_true ? row.flag(*prediction.wave_v_true) : row.empty();
        row.number(prediction.p_wave_v);
        row.number(prediction.latency_true_ms).number(prediction.latency_predicted_ms);
        row.number(prediction.amplitude_true_uv).number(prediction.amplitude_predicted_uv);
        row.number(prediction.threshold_true_db).number(prediction.threshold_predicted_db);
        table.append(row);
    }
    write_file_atomically(path, table.bytes());
}

void write_restored(const std::filesystem::path& path, std::span<const PredictionRow> rows,
                    std::span<const float> restored_uv) {
    const std::size_t length = rows.empty() ? 0 : restored_uv.size() / rows.size();
    if (length * rows.size() != restored_uv.size())
        throw std::invalid_argument("restored signals of another number of recordings");
    std::vector<std::string> columns = {"recording", "patient_id"};
    for (std::size_t k = 0; k < length; ++k) columns.push_back("s" + std::to_string(k));
    CsvTable table(csv_header(columns));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        CsvRow row;
        row.integer(rows[r].recording).text(rows[r].patient_id);
        for (const float sample : restored_uv.subspan(r * length, length)) row.number(sample);
        table.append(row);
    }
    write_file_atomically(path, table.bytes());
}

}  // namespace abr
