// Streams, memory and launches through the CUDA runtime.
#include <cuda_runtime_api.h>

#include <string>

#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/error.hpp"
#include "kernels/cuda/kernel_name.hpp"
#include "kernels/cuda/launch_kernel.hpp"
#include "kernels/cuda/shared_limit.hpp"
#include "kernels/cuda/stream.hpp"

namespace abr::cuda {
namespace {

std::string explain(cudaError_t error) {
    return std::string(cudaGetErrorName(error)) + " (" + cudaGetErrorString(error) + ")";
}

void check(cudaError_t error, const std::string& what) {
    if (error != cudaSuccess) throw Error("CUDA: " + what + ": " + explain(error));
}

std::string kernel_name(const void* kernel) {
    const char* symbol = nullptr;
    if (cudaFuncGetName(&symbol, kernel) != cudaSuccess) return "a kernel";
    return "kernel " + readable_kernel_name(symbol);
}

}  // namespace

bool device_available() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

Stream::Stream() {
    cudaStream_t stream = nullptr;
    check(cudaStreamCreate(&stream), "no stream could be made on the device");
    handle_ = stream;
}

Stream::~Stream() {
    cudaStreamDestroy(static_cast<cudaStream_t>(handle_));
}

void Stream::synchronize() {
    const cudaError_t error = cudaStreamSynchronize(static_cast<cudaStream_t>(handle_));
    if (error == cudaSuccess) return;
    throw Error("CUDA: " + explain(error) +
                (last_kernel_ ? " at or before " + kernel_name(last_kernel_) : ""));
}

void launch_kernel(const void* kernel, dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes,
                   Stream& stream, std::source_location at) {
    cudaError_t error = cudaSuccess;
    if (asks_for_more_shared(shared_bytes))
        error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(shared_bytes));
    if (error == cudaSuccess)
        error = cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes,
                                 static_cast<cudaStream_t>(stream.handle()));
    if (error != cudaSuccess)
        throw Error("CUDA: " + kernel_name(kernel) + " could not be launched (" + at.file_name() + ":" +
                    std::to_string(at.line()) + ", grid " + std::to_string(grid.x) + " x " +
                    std::to_string(grid.y) + " x " + std::to_string(grid.z) + ", block " +
                    std::to_string(block.x) + " x " + std::to_string(block.y) + " x " +
                    std::to_string(block.z) + ", " + std::to_string(shared_bytes) +
                    " bytes of shared memory): " + explain(error));
    stream.set_last_kernel(kernel);
}

DeviceMemory device_memory() {
    DeviceMemory memory;
    check(cudaMemGetInfo(&memory.free, &memory.total), "the device's memory could not be asked for");
    return memory;
}

void* allocate_zeroed(std::size_t bytes) {
    void* device = nullptr;
    const cudaError_t error = cudaMalloc(&device, bytes);
    if (error == cudaErrorMemoryAllocation) {
        const DeviceMemory memory = device_memory();
        throw Error("out of device memory: " + mebibytes(bytes) + " asked for, " + mebibytes(memory.free) +
                    " of " + mebibytes(memory.total) + " free");
    }
    check(error, "no device memory");
    check(cudaMemset(device, 0, bytes), "device memory could not be cleared");
    return device;
}

void release(void* device) noexcept {
    cudaFree(device);
}

void copy_to_device(void* device, const void* host, std::size_t bytes) {
    check(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), "copy to the device");
}

void copy_to_host(void* host, const void* device, std::size_t bytes) {
    check(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), "copy from the device");
}

}  // namespace abr::cuda
