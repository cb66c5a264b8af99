// A failure of the CUDA runtime or of a kernel. The message says what was asked and what CUDA answered.
#pragma once

#include <stdexcept>

namespace abr::cuda {

class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace abr::cuda
