// This program's own file and where it is loaded.
#pragma once

#include <cstdint>
#include <string>

namespace abr::emulation {

std::string program_path();
// What to subtract from an address to get the one in the file; 0 where the program is not relocated.
std::uintptr_t program_base();

}  // namespace abr::emulation
