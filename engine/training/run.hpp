// One training run, from data to the last file of the run folder.
#pragma once

#include <filesystem>
#include <string>

#include "engine/config/config.hpp"
#include "engine/records/console.hpp"

namespace abr {

struct RunOptions {
    std::string name;                  // of the run folder
    std::filesystem::path output_dir;  // where the run folder is made
    // Whether to go on with what is in the folder of exactly that name; else the next free name is taken.
    bool resume = false;
    Verbosity verbosity = Verbosity::normal;
    bool profile = false;  // print and write (profile.csv) the time of each op in each phase
};

// Returns the exit code of the run: 0 done, 3 interrupted and saved. Throws InputError where data or
// configuration do not fit, RunError where the run cannot go on.
int run_training(const Config& config, const RunOptions& options);

}  // namespace abr
