// Values that can be read but look as if they were in another unit than the data contract's.
#pragma once

#include <string>
#include <vector>

#include "engine/recordings.hpp"

namespace abr {

// One sentence for each suspicion: the column, what was found, what is usual, and what to do. The limits are wide:
// a scalp ABR has a standard deviation of some 0.01 to 10 uV and ends 5 to 50 ms after the stimulus, wave V comes
// after some 5 to 12 ms, and nobody is 120 years old.
std::vector<std::string> unit_warnings(const Recordings&);

}  // namespace abr
