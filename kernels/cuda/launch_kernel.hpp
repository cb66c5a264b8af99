// The launch of a kernel through the runtime; kernels use launch() of kernels/cuda/device.cuh.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <source_location>

#include "kernels/cuda/stream.hpp"

namespace abr::cuda {

// arguments: an address for each parameter. Throws cuda::Error, which names the kernel and the line `at`.
void launch_kernel(const void* kernel, dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes,
                   Stream&, std::source_location at);

}  // namespace abr::cuda
