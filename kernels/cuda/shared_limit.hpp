// When a launch has to ask for more shared memory than every block gets: by the sum of what its kernel declares and what
// the launch adds. A bound stands for the former, so that no launch asks the driver for it; the execution on the CPU
// reports a kernel that would need more than its launch has asked for.
#pragma once

#include <cstddef>

namespace abr::cuda {

// CUDA C++ Programming Guide, compute capabilities: more than this, static and dynamic together, has to be asked for.
inline constexpr std::size_t kSharedWithoutAsking = 48 * 1024;
// The most that a kernel declares where its launch adds some.
inline constexpr std::size_t kStaticBesideDynamic = 16 * 1024;

constexpr bool asks_for_more_shared(std::size_t dynamic_bytes) {
    return dynamic_bytes > kSharedWithoutAsking - kStaticBesideDynamic;
}

}  // namespace abr::cuda
