#include "kernels/cuda/platform.hpp"

#include <cuda_runtime_api.h>

#include "kernels/cuda/partial_sums.hpp"

namespace abr::cuda {

Platform platform() {
    Platform platform;
    platform.architectures = ABR_CUDA_ARCHITECTURES;
    cudaRuntimeGetVersion(&platform.toolkit);
    cudaDriverGetVersion(&platform.driver);
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess) {
        if (error != cudaErrorNoDevice && error != cudaErrorInsufficientDriver)
            platform.error = std::string(cudaGetErrorName(error)) + " (" + cudaGetErrorString(error) + ")";
        return platform;
    }
    for (int i = 0; i < count; ++i) {
        cudaDeviceProp properties;
        if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) continue;
        platform.devices.push_back(
            {properties.name, properties.major, properties.minor, properties.totalGlobalMem});
    }
    cudaFuncAttributes attributes;
    platform.has_kernels = cudaFuncGetAttributes(&attributes, any_kernel()) == cudaSuccess;
    return platform;
}

}  // namespace abr::cuda
