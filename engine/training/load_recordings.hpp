// The recordings that a configuration names: read from its file, or made from its seed.
#pragma once

#include "engine/config/config.hpp"
#include "engine/data/report.hpp"
#include "engine/recordings.hpp"

namespace abr {

// Fills the report's part about rows. Throws InputError for a file that cannot be used.
Recordings load_recordings(const Config&, ReadReport&);

}  // namespace abr
