// How the layer reports: one message with kernel, block, thread, file, line, seed and the way to replay it.
#pragma once

#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>

namespace abr::emulation {

// A fault in a kernel or its launch. The launch is over; its outputs are undefined.
class Fault : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// "file:line", the file relative to the project.
std::string place(std::source_location);
// "file:line" of an instruction in this program, through addr2line.
std::string place(const void* instruction);

}  // namespace abr::emulation
