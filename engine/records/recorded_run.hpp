// What a run folder holds for the diagnostics and for TensorBoard. Files that are missing, empty or broken are
// said when a rule asks for them (NotJudged), so that everything else can still be judged.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/output/json.hpp"
#include "engine/records/run_table.hpp"

namespace abr {

// A JSON document of this or an earlier version of its file.
class RunDocument {
  public:
    explicit RunDocument(std::filesystem::path path) : path_(std::move(path)) {}
    void refresh();
    // Throws NotJudged where the file is missing, empty, no JSON object or of a newer version.
    const Json& get() const;
    // A member of the document; throws NotJudged where it is missing or no object.
    const Json& object(const char* name) const;

  private:
    std::string name() const { return path_.filename().string(); }

    std::filesystem::path path_;
    Json value_;
    std::string problem_;
    std::filesystem::file_time_type changed_{};
};

// The resolved configuration of a run.
struct RecordedConfig {
    Config config;
    std::string problem;  // why it cannot be used; empty: it can
};

class RecordedRun {
  public:
    // Reads the folder but for its configuration, which is read by those who know the keys (engine/keys/read_run.hpp).
    // Throws InputError where it is no run folder: no such folder, or no file of a run in it.
    RecordedRun(const std::filesystem::path& folder, RecordedConfig config);

    // Reads what the run has written since.
    void refresh();

    std::string run_name() const;
    // The resolved configuration of the run, of a run with stages that of the stage of the last row of
    // epochs.csv, or of another row. Throws NotJudged where config.toml cannot be read.
    const Config& config() const;
    const Config& config(std::size_t row) const;
    // The first row of epochs.csv that is of the last row's stage; 0 in a run without stages.
    std::size_t stage_row() const;
    bool has_config() const { return config_.problem.empty(); }
    // Files whose last line is half-written and therefore left out.
    std::vector<std::string> half_written() const;

    RunTable epochs, steps, classification_report, confusion_matrix, split, predictions_val;
    RunDocument data_report, environment;

  private:
    std::filesystem::path folder_;
    RecordedConfig config_;
};

}  // namespace abr
