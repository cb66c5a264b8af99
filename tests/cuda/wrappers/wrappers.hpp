// A kernel of one warp for each of CUDA's instructions that kernels/cuda/device.cuh offers, so that what a device does
// can be held against what the execution on the CPU takes it to do. `in` and `out`: 32 words of device memory, one a lane.
#pragma once

#include <cstdint>

#include "kernels/cuda/stream.hpp"

namespace abr::test::wrappers {

void shfl(cuda::Stream&, const std::uint32_t* in,
          std::uint32_t* out);  // lane i reads lane 3 i, beyond 31 modulo 32
void shfl_down(cuda::Stream&, const std::uint32_t* in,
               std::uint32_t* out);  // by 5; the last ones read themselves
void shfl_xor(cuda::Stream&, const std::uint32_t* in, std::uint32_t* out);  // with 9
// Of float values, whose bits are not looked at.
void shfl_xor_float(cuda::Stream&, const float* in, float* out);  // with 16
// The even lanes alone, among themselves: lane i reads lane i ^ 2; odd lanes keep what they have.
void shfl_part_of_warp(cuda::Stream&, const std::uint32_t* in, std::uint32_t* out);

// Votes on in != 0; every lane's answer.
void ballot(cuda::Stream&, const std::uint32_t* in, std::uint32_t* out);
void any_and_all(cuda::Stream&, const std::uint32_t* in, std::uint32_t* out);  // any + 2 all

// Lane i writes shared memory, and reads what lane 31 - i wrote, behind a __syncwarp and a __syncthreads.
void barriers(cuda::Stream&, const std::uint32_t* in, std::uint32_t* out);
// 128 threads add 1 to out[0], and the larger of the thread's number to out[1 + number % 31], by atomicAdd.
void atomic_add(cuda::Stream&, std::uint32_t* out);
// Lane i below 8 loads in[4 i] to in[4 i + 3] at once and stores them in reverse.
void vectors(cuda::Stream&, const float* in, float* out);

// __fmul_rn(x, x) - x * x rounded before: 0 where nothing was fused.
void product_apart(cuda::Stream&, const float* in, float* out);
void reciprocal_root(cuda::Stream&, const float* in, float* out);
void sine_and_cosine(cuda::Stream&, const double* in,
                     double* out);  // sinpi of the even lanes, cospi of the odd ones
// Dynamic shared memory of so many bytes, of which the last 32 floats are written and read: above 48 KB it was asked for.
void dynamic_shared(cuda::Stream&, int bytes, const float* in, float* out);

}  // namespace abr::test::wrappers
