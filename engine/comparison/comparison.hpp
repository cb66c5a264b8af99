// Runs side by side: the settings that differ, the best epochs, the first optimiser steps, the epochs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/records/recorded_run.hpp"

namespace abr {

struct ComparedRun {
    std::string name;  // unlike the others'
    RecordedRun run;
};

// Every vector of values has one for each run.
struct Comparison {
    struct Setting {
        std::string key;
        std::vector<std::string> values;  // in TOML; empty where the run has none
    };
    struct Measure {
        std::string column;
        std::vector<std::optional<double>> values;
    };
    struct Epoch {
        std::int64_t epoch = 0;
        std::vector<Measure> measures;
    };

    std::vector<std::string> runs;
    std::vector<std::size_t> epochs_done;
    std::vector<Setting> settings;  // that differ; run.name, which names the folder, is none of them
    // The epoch of the highest val_f1_macro, or the lowest val_loss_total where no class was measured.
    std::vector<std::optional<std::int64_t>> best_epoch;
    std::vector<Measure> best;        // val_... of that epoch
    std::vector<Measure> first_step;  // losses and gradient norm of the first row of steps.csv
    std::vector<Epoch> epochs;
    std::vector<std::string> missing;  // what a run folder lacks for this

    // The largest difference of a run's first step from the first run's, relative to the latter; infinite where a
    // value is missing.
    double first_step_difference(std::size_t run) const;
};

Comparison compare(std::span<const ComparedRun> runs);

// Tables for a screen, without a line end at the end.
std::string to_text(const Comparison&, bool with_epochs);
// Everything, one row a setting, measure or epoch's measure: kind ("setting", "best", "first_step", "epoch"), name,
// epoch, and a column for each run.
std::string to_csv(const Comparison&);

}  // namespace abr
