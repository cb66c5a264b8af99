// What was launched: tests compare the launches of two runs of the same code.
#pragma once

#include <string>
#include <vector>

namespace abr::emulation {

// From now on every launch adds a line: kernel, grid, block, dynamic shared memory and a digest of its arguments.
// Null, as at first: none does.
void log_launches(std::vector<std::string>* lines);

}  // namespace abr::emulation
