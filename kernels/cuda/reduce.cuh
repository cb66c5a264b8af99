// Sums and maxima over a warp or a block, in a fixed order: the same bits each time.
#pragma once

#include <cmath>

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

__device__ inline int lane_index() {
    return static_cast<int>(threadIdx.x) % kWarpSize;
}
__device__ inline int warp_index() {
    return static_cast<int>(threadIdx.x) / kWarpSize;
}

// Over the warp; every lane gets the result.
template <class T>
__device__ inline T warp_sum(T value) {
    for (int step = kWarpSize / 2; step > 0; step /= 2) value += __shfl_xor_sync(kWholeWarp, value, step);
    return value;
}
template <class T>
__device__ inline T warp_max(T value) {
    for (int step = kWarpSize / 2; step > 0; step /= 2) {
        const T other = __shfl_xor_sync(kWholeWarp, value, step);
        value = other > value ? other : value;
    }
    return value;
}

// Over a one-dimensional block of kThreads threads, all of which call it and get the result. A barrier at its start
// and one inside: shared memory that the caller wrote before is visible afterwards.
template <int kThreads, class T>
__device__ inline T block_sum(T value) {
    static_assert(kThreads % kWarpSize == 0);
    DEVICE_SHARED(partial, T[kThreads / kWarpSize]);
    value = warp_sum(value);
    __syncthreads();  // the last call's partial sums have been read
    if (lane_index() == 0) partial[warp_index()] = value;
    __syncthreads();
    T sum = partial[0];
    for (int warp = 1; warp < kThreads / kWarpSize; ++warp) sum += partial[warp];
    return sum;
}

// values[0 .. n) = their softmax, by all kThreads threads of a one-dimensional block. Every warp finds the maximum and the
// sum for itself. What the caller wrote is behind a barrier; the result is, too.
template <int kThreads>
__device__ inline void block_softmax(float* values, int n) {
    float largest = values[0];
    for (int i = lane_index(); i < n; i += kWarpSize) largest = values[i] > largest ? values[i] : largest;
    largest = warp_max(largest);
    float sum = 0;
    for (int i = lane_index(); i < n; i += kWarpSize) sum += std::exp(values[i] - largest);
    sum = warp_sum(sum);
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads)
        values[i] = std::exp(values[i] - largest) / sum;
    __syncthreads();
}

}  // namespace abr::cuda
