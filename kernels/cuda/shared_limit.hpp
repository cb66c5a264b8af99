// When a launch has to ask for more shared memory than every block gets. What counts is the sum of what the kernel
// declares and what the launch adds; no launch asks the driver for the former, because this bound on it suffices, and
// the execution on the CPU holds the kernels to it.
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
