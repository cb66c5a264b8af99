// The order in which the threads of a kernel run. Tests repeat a launch under many seeds.
#pragma once

#include <cstdint>

namespace abr::emulation {

// Seed 0: blocks and threads in order. Other odd seeds: blocks in random order, threads by random fixed
// priorities. Even ones: whatever is ready, at random. Holds for every launch until the next call.
void use_seed(std::uint64_t seed);

}  // namespace abr::emulation
