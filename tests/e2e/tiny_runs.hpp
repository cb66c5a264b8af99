// Runs of seconds, and how two of them are compared.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/output/json.hpp"
#include "tests/e2e/engine_program.hpp"

namespace abr::test {

// The smallest cohort, a small network, and a course of their own, whatever the quick start's is tuned to; later --set
// take precedence.
inline const std::string kTinySettings =
    " --set data.synthetic.patients=60 --set model.base_channels=8 --set model.levels=3"
    " --set model.kernel=3 --set model.attention_layers=1 --set model.embed_dim=16"
    " --set model.head_hidden=16 --set training.epochs=2 --set training.batch_size=64"
    " --set optimizer.learning_rate=3e-3 --set optimizer.beta2=0.999 --set augmentation.shift_samples=1";
inline const std::string kTiny = " --quiet" + kTinySettings;

inline Json read_json(const std::filesystem::path& path) {
    const Json json = Json::parse(content(path), nullptr, false);
    REQUIRE_FALSE(json.is_discarded());
    return json;
}

// Everything in a run folder but what tells of the machine, the clock and the run's name.
inline std::map<std::string, std::string> results_of(const std::filesystem::path& run) {
    std::map<std::string, std::string> results;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) {
        if (!entry.is_regular_file()) continue;
        const std::string name = std::filesystem::relative(entry.path(), run).string();
        if (name == "environment.json" || name == "config.toml" || name == "diagnostics.md") continue;
        if (name.starts_with("tensorboard/")) continue;  // its points have times
        if (name == "epochs.csv") {
            for (auto row : read_table(entry.path())) {
                row.erase("seconds");
                row.erase("recordings_per_second");
                for (const auto& [column, cell] : row) results[name] += column + "=" + cell + "\n";
            }
        } else if (name == "diagnostics.json") {
            Json diagnosis = read_json(entry.path());
            diagnosis.erase("run");
            results[name] = diagnosis.dump();
        } else if (name == "summary.json") {
            Json summary = read_json(entry.path());
            summary.erase("wall_seconds");
            summary.erase("recordings_per_second");
            results[name] = summary.dump();
        } else {
            results[name] = content(entry.path());
        }
    }
    return results;
}

inline void check_same_results(const std::filesystem::path& a, const std::filesystem::path& b) {
    const auto first = results_of(a), second = results_of(b);
    for (const char* name :
         {"steps.csv", "epochs.csv", "split.csv", "classification_report.csv", "confusion_matrix.csv",
          "predictions_val.csv", "predictions_test.csv", "data_report.json", "summary.json",
          "diagnostics.json", "checkpoints/best_f1.safetensors", "checkpoints/best_loss.safetensors",
          "checkpoints/last.safetensors"})
        CHECK_MESSAGE(first.count(name) == 1, name);
    CHECK(first.size() == second.size());
    for (const auto& [name, text] : first) {
        // Not the contents themselves: they are long.
        const bool same = second.count(name) == 1 && second.at(name) == text;
        CHECK_MESSAGE(same, name << " differs between " << a << " and " << b);
    }
}

}  // namespace abr::test
