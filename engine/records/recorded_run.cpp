#include "engine/records/recorded_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "engine/error.hpp"

namespace abr {
namespace {

constexpr int kNewestSchema = 1;

}  // namespace

void RunDocument::refresh() {
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(path_, error);
    if (error) {
        problem_ = name() + " is missing";
        return;
    }
    if (changed == changed_) return;
    changed_ = changed;
    std::ifstream file(path_, std::ios::binary);
    value_ = Json::parse(file, nullptr, false);
    problem_.clear();
    if (value_.is_discarded()) {
        problem_ = name() + " is empty or no JSON";
    } else if (!value_.is_object()) {
        problem_ = name() + " is no JSON object";
    } else if (const auto version = value_.find("schema_version"); version != value_.end()) {
        if (!version->is_number_integer() || *version > kNewestSchema) {
            problem_ = fmt::format("{} is of a newer version (schema_version {}; this engine knows {})",
                                   name(), version->dump(), kNewestSchema);
        }
    }
}

const Json& RunDocument::get() const {
    if (!problem_.empty()) throw NotJudged(problem_);
    return value_;
}

const Json& RunDocument::object(const char* member) const {
    const auto found = get().find(member);
    if (found == value_.end() || !found->is_object())
        throw NotJudged(fmt::format("{} has no object `{}`", name(), member));
    return *found;
}

RecordedRun::RecordedRun(const std::filesystem::path& folder, RecordedConfig config)
    : epochs(folder / "epochs.csv", Growth::appended, {"stage"}),
      steps(folder / "steps.csv", Growth::appended),
      classification_report(folder / "classification_report.csv", Growth::appended, {"split", "class"}),
      confusion_matrix(folder / "confusion_matrix.csv", Growth::appended,
                       {"split", "true_class", "predicted_class"}),
      split(folder / "split.csv", Growth::replaced, {"patient_id", "class", "split"}),
      predictions_val(folder / "predictions_val.csv", Growth::replaced,
                      {"patient_id", "class_true", "class_predicted"}),
      data_report(folder / "data_report.json"),
      environment(folder / "environment.json"),
      folder_(folder),
      config_(std::move(config)) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        throw InputError(
            fmt::format("{}: there is no such folder; name the folder of a run, such as "
                        "runs/quickstart",
                        folder.string()));
    }
    const bool has_run = std::ranges::any_of(
        std::array{folder / "config.toml", epochs.path(), steps.path(), split.path(),
                   classification_report.path()},
        [&](const std::filesystem::path& file) { return std::filesystem::is_regular_file(file, error); });
    if (!has_run) {
        throw InputError(
            fmt::format("{}: holds no run: none of config.toml, epochs.csv, steps.csv, split.csv "
                        "and classification_report.csv is there; name the folder of a run",
                        folder.string()));
    }
    refresh();
}

void RecordedRun::refresh() {
    for (RunTable* table :
         {&epochs, &steps, &classification_report, &confusion_matrix, &split, &predictions_val})
        table->refresh();
    for (RunDocument* document : {&data_report, &environment}) document->refresh();
}

std::string RecordedRun::run_name() const {
    return std::filesystem::weakly_canonical(folder_).filename().string();
}

const Config& RecordedRun::config() const {
    return config(epochs.rows() == 0 ? 0 : epochs.rows() - 1);
}

const Config& RecordedRun::config(std::size_t row) const {
    if (!has_config()) throw NotJudged(config_.problem);
    const auto stages = stages_of(config_.config);
    if (config_.config.stages.empty() || row >= epochs.rows() || !epochs.has("stage")) return stages.front();
    const std::string& name = epochs.texts("stage")[row];
    const auto found =
        std::ranges::find_if(stages, [&](const Config& stage) { return stage.stage.name == name; });
    if (found == stages.end()) throw NotJudged("config.toml has no stage " + name);
    return *found;
}

std::size_t RecordedRun::stage_row() const {
    if (!epochs.has("stage")) return 0;
    const auto stages = epochs.texts("stage");
    std::size_t row = stages.size();
    while (row > 0 && stages[row - 1] == stages.back()) --row;
    return row;
}

std::vector<std::string> RecordedRun::half_written() const {
    std::vector<std::string> names;
    for (const RunTable* table :
         {&epochs, &steps, &classification_report, &confusion_matrix, &split, &predictions_val}) {
        if (table->exists() && table->ends_half_written()) names.push_back(table->name());
    }
    return names;
}

}  // namespace abr
