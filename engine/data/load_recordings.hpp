// The recordings that a configuration asks for, whatever their source.
#pragma once

#include "engine/config/config.hpp"
#include "engine/input/read_recordings.hpp"
#include "engine/recordings.hpp"

namespace abr {

// Generates the cohort or reads the file of config.data, and fills the report, with what looks wrong in a
// file. InputError as in read_recordings.
Recordings load_recordings(const Config& config, ReadReport& report);

}  // namespace abr
