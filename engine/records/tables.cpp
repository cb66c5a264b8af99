#include "engine/records/tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

#include "engine/output/csv.hpp"
#include "engine/output/file.hpp"

namespace abr {
namespace {

const std::vector<std::string> kSplitColumns = {"patient_id", "class", "recordings", "split"};

std::vector<std::string> prediction_columns(std::span<const std::string> class_names) {
    std::vector<std::string> columns = {"recording", "patient_id"};
    for (const Component c : kMetricOrder) {
        const Task& task = task_of(c);
        const std::string answer(task.answer), unit = "_" + std::string(task.unit);
        if (task.kind == TaskKind::classes) {
            columns.insert(columns.end(), {answer + "_true", answer + "_predicted"});
            for (const std::string& name : class_names) columns.push_back("p_" + name);
        } else if (task.kind == TaskKind::binary) {
            columns.insert(columns.end(), {answer + "_true", "p_" + answer});
        } else if (task.kind == TaskKind::scalar) {
            columns.insert(columns.end(), {answer + "_true" + unit, answer + "_predicted" + unit});
        }
    }
    columns.push_back("missing_inputs");
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
        for (const Component c : kMetricOrder) {
            const PredictionRow::Answer& answer = prediction.answer[c];
            switch (task_of(c).kind) {
                case TaskKind::classes:
                    row.text(class_cell(answer.true_label)).text(class_cell(answer.predicted_label));
                    if (prediction.probabilities.empty())
                        for (std::size_t k = 0; k < class_names.size(); ++k) row.empty();
                    for (const float probability : prediction.probabilities) row.number(probability);
                    break;
                case TaskKind::binary:
                    answer.true_label ? row.flag(*answer.true_label == 1) : row.empty();
                    row.number(answer.predicted);
                    break;
                case TaskKind::scalar:
                    row.number(answer.true_value).number(answer.predicted);
                    break;
                case TaskKind::signal:
                case TaskKind::none:
                    break;
            }
        }
        row.text(fmt::format("{}", fmt::join(prediction.missing_inputs, " ")));
        table.append(row);
    }
    write_file_atomically(path, table.bytes());
}

void write_reliability(const std::filesystem::path& path, std::span<const ReliabilityRow> rows) {
    const std::vector<std::string> columns = {"split", "task",       "temperature",      "above",
                                              "up_to", "recordings", "mean_probability", "share_true"};
    CsvTable table(csv_header(columns));
    for (const auto& [split, task, temperature, bin] : rows) {
        CsvRow row;
        row.text(split).text(task_of(task).name).number(temperature).number(bin.low).number(bin.high);
        row.integer(bin.recordings);
        bin.recordings > 0 ? row.number(bin.mean_probability).number(bin.share_true) : row.empty().empty();
        table.append(row);
    }
    write_file_atomically(path, table.bytes());
}

void write_by_level(const std::filesystem::path& path, std::span<const std::string> class_names,
                    std::span<const LevelRow> rows) {
    const auto for_each_shown = [&](const LevelRow& row, const auto& visit) {
        for_each_metric(row.metrics, class_names, [&](const std::string& name, const Metric& metric) {
            if (!name.starts_with("loss_")) visit(name, metric);
        });
    };
    std::vector<std::string> columns = {"split", "intensity_db", "class", "recordings"};
    if (!rows.empty())
        for_each_shown(rows.front(),
                       [&](const std::string& name, const Metric&) { columns.push_back(name); });
    CsvTable table(csv_header(columns));
    for (const LevelRow& level : rows) {
        CsvRow row;
        row.text(level.split).number(level.intensity_db);
        level.true_class ? row.text(class_names[static_cast<std::size_t>(*level.true_class)]) : row.empty();
        row.integer(level.recordings);
        for_each_shown(level, [&](const std::string&, const Metric& metric) { row.number(metric.value); });
        table.append(row);
    }
    write_file_atomically(path, table.bytes());
}

void write_samples(const std::filesystem::path& path, std::span<const PredictionRow> rows,
                   std::span<const float> values) {
    const std::size_t length = rows.empty() ? 0 : values.size() / rows.size();
    if (length * rows.size() != values.size())
        throw std::invalid_argument("samples of another number of recordings");
    std::vector<std::string> columns = {"recording", "patient_id"};
    for (std::size_t k = 0; k < length; ++k) columns.push_back("s" + std::to_string(k));
    CsvTable table(csv_header(columns));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        CsvRow row;
        row.integer(rows[r].recording).text(rows[r].patient_id);
        for (const float sample : values.subspan(r * length, length)) row.number(sample);
        table.append(row);
    }
    write_file_atomically(path, table.bytes());
}

}  // namespace abr
