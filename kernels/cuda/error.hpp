// A failure of the CUDA runtime or of a kernel. The message says what was asked and what CUDA answered.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace abr::cuda {

class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// What messages about memory say: mebibytes, rounded up.
inline std::string mebibytes(std::size_t bytes) {
    return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

}  // namespace abr::cuda
