// A run folder with its configuration.
#pragma once

#include <filesystem>

#include "engine/records/recorded_run.hpp"

namespace abr {

// Throws InputError as RecordedRun does; a config.toml that is missing or wrong is said when it is asked for.
RecordedRun read_run(const std::filesystem::path& folder);

}  // namespace abr
