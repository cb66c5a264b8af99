// Going on with the run of a folder: whether it is this run, and where it stood.
#pragma once

#include <filesystem>
#include <optional>

#include "engine/config/config.hpp"
#include "engine/data/report.hpp"
#include "engine/records/run_folder.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/session.hpp"

namespace abr {

// What an earlier part of the run left.
struct EarlierRun {
    Checkpoint checkpoint;  // the last one
    Config config;          // its resolved configuration
    bool finished = false;  // it ended by itself, and more epochs were not asked for
};

// Nothing where the folder holds no checkpoint yet. Throws InputError where it is another run's: with other
// values than run.name (which only names the folder), run.threads, run.backend and a larger training.epochs
// of the last stage, each named with both values; with other data; or where a checkpoint is missing or not
// whole.
std::optional<EarlierRun> find_earlier_run(const RunFolder&, const Session&);

// Throws InputError where the folder holds files that no run has written, which this one would replace.
void check_own_folder(const RunFolder&);

// Throws InputError where the recordings of a split are not those that data_report.json of the folder tells
// of: statistics of the training rows, by which find_earlier_run judges, know nothing of the others. Reports
// of earlier versions say nothing.
void check_same_recordings(const RunFolder&, const DataReport& now);

// A checkpoint that a run of this configuration on these data has written. Throws InputError for any other.
Checkpoint load_checkpoint_of_run(const std::filesystem::path&, const Session&);

}  // namespace abr
