// What was launched: tests compare the launches of two runs of the same code.
#pragma once

#include <string>
#include <vector>

#include "kernels/cuda_on_cpu/device_emulation.hpp"

namespace abr::emulation {

// From now on every launch adds a line when it is queued: kernel, grid, block, dynamic shared memory and a digest of
// its arguments. Null, as at first: none does.
void log_launches(std::vector<std::string>* lines);

void note_launch(const Launch&);

}  // namespace abr::emulation
