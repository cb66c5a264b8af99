// GELU in its exact erf form and its derivative, in float.
#pragma once

#include <cmath>

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

__device__ inline float normal_cdf(float z) {
    return 0.5f * (1.0f + std::erf(z * 0.70710678118654752440f));
}
__device__ inline float gelu(float z) {
    return z * normal_cdf(z);
}
__device__ inline float gelu_derivative(float z) {
    return normal_cdf(z) + z * (std::exp(-0.5f * z * z) * 0.39894228040143267794f);
}

}  // namespace abr::cuda
