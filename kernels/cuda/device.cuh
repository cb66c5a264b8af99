// The one header of the kernels: what they are written with, so that the same .cu file is compiled by nvcc for a
// device and by the host's compiler for tests, which run it on the CPU (docs/testing.md).
//
//   launch(kernel, grid, block, shared_bytes, stream, arguments...)   queues a kernel and checks the launch
//   DEVICE_SHARED(name, type)       static shared memory: DEVICE_SHARED(tile, float[32][33]); one declaration is one
//                                   piece of memory, whichever threads reach it
//   DEVICE_DYN_SHARED(type, name)   the launch's shared_bytes as `type* name`, 16-byte aligned
//   DEVICE_UNROLL                   in front of a loop of constant length: unrolled, so that arrays stay in registers
//   load_vector<float4>(p), store_vector(p, v)   aligned vector accesses, checked in tests
//
// CUDA's own names do the rest: threadIdx, blockIdx, blockDim, gridDim, __syncthreads, __syncwarp(mask),
// __shfl_sync, __shfl_down_sync, __shfl_xor_sync, __ballot_sync, __any_sync, __all_sync, atomicAdd on integers,
// float2, float4, make_float4, rsqrtf, __fmul_rn, sinpi, cospi; other mathematics from <cmath>. What is missing here is added here, for both.
//
// Rules: kernels are named *_kernel; no thread returns early in front of a barrier. Masks are spelled out; every warp is whole (blocks are multiples of 32 threads). Within shared or
// global memory, threads of a warp order their accesses by __syncwarp, never by a vote or shuffle. No floating-point
// atomics: sums have a fixed order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <type_traits>

#include "kernels/cuda/profile_scope.hpp"
#include "kernels/cuda/stream.hpp"
#include "kernels/host_device.hpp"
#include "kernels/view.hpp"

#if defined(__CUDACC__)
#include "kernels/cuda/device_cuda.cuh"
#else
#include "kernels/cuda/device_host.cuh"
#endif

namespace abr::cuda {

inline constexpr int kWarpSize = 32;
inline constexpr std::uint32_t kWholeWarp = 0xFFFFFFFFu;

// Whole units of `unit` that cover `count`.
ABR_HOST_DEVICE constexpr Index divide_up(Index count, Index unit) {
    return (count + unit - 1) / unit;
}

inline bool is_aligned(const void* p, std::size_t bytes) {
    return reinterpret_cast<std::uintptr_t>(p) % bytes == 0;
}

}  // namespace abr::cuda
