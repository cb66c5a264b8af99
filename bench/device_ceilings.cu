// device_ceilings: what the first device gives at most, which its timings are held against. A copy of 1 GiB, fused
// multiply-adds of registers, and launches of an empty kernel; each the best of some rounds, timed by events.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kRounds = 20;
constexpr std::size_t kCopied = std::size_t{1} << 30;  // bytes, beyond any cache
constexpr int kThreads = 256, kChains = 8, kSteps = 4096, kLaunches = 1000;

void check(cudaError_t error, const char* what) {
    if (error == cudaSuccess) return;
    std::printf("%s: %s (%s)\n", what, cudaGetErrorName(error), cudaGetErrorString(error));
    std::exit(1);
}

__global__ void copy_kernel(const float4* from, float4* to, std::size_t count) {
    const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
    for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride)
        to[i] = from[i];
}

// Independent chains, so that none waits for the one before.
__global__ void multiply_add_kernel(float factor, float* sink) {
    float sums[kChains];
    for (int k = 0; k < kChains; ++k) sums[k] = static_cast<float>(threadIdx.x + k);
    for (int i = 0; i < kSteps; ++i)
#pragma unroll
        for (int k = 0; k < kChains; ++k) sums[k] = fmaf(sums[k], factor, 1.0f);
    float total = 0;
    for (int k = 0; k < kChains; ++k) total += sums[k];
    if (total == -1) *sink = total;  // never, which the compiler does not know
}

__global__ void empty_kernel() {}

template <class Round>
double best_seconds(const Round& round) {
    cudaEvent_t begin, end;
    check(cudaEventCreate(&begin), "event");
    check(cudaEventCreate(&end), "event");
    float best = 1e30f;
    for (int i = 0; i < kRounds; ++i) {
        check(cudaEventRecord(begin), "record");
        round();
        check(cudaGetLastError(), "launch");
        check(cudaEventRecord(end), "record");
        check(cudaEventSynchronize(end), "wait");
        float milliseconds = 0;
        check(cudaEventElapsedTime(&milliseconds, begin, end), "time");
        best = std::min(best, milliseconds);
    }
    return best * 1e-3;
}

}  // namespace

int main() {
    cudaDeviceProp device;
    check(cudaGetDeviceProperties(&device, 0), "no device");
    std::printf("%s, %d multiprocessors\n", device.name, device.multiProcessorCount);
    float4 *from = nullptr, *to = nullptr;
    check(cudaMalloc(&from, kCopied), "memory");
    check(cudaMalloc(&to, kCopied), "memory");
    check(cudaMemset(from, 0, kCopied), "memory");
    const int blocks = device.multiProcessorCount * 8;
    const double copy =
        best_seconds([&] { copy_kernel<<<blocks, kThreads>>>(from, to, kCopied / sizeof(float4)); });
    const double driver_copy =
        best_seconds([&] { check(cudaMemcpyAsync(to, from, kCopied, cudaMemcpyDeviceToDevice), "copy"); });
    const double products =
        best_seconds([&] { multiply_add_kernel<<<blocks, kThreads>>>(0.5f, reinterpret_cast<float*>(to)); });
    const double launches = best_seconds([&] {
        for (int i = 0; i < kLaunches; ++i) empty_kernel<<<1, 32>>>();
    });
    std::printf("copy by a kernel %.0f GB/s, by the driver %.0f GB/s (read and written)\n",
                2e-9 * kCopied / copy, 2e-9 * kCopied / driver_copy);
    std::printf("fp32 multiply-adds %.1f TFLOP/s\n", 2e-12 * blocks * kThreads * kChains * kSteps / products);
    std::printf("launch of an empty kernel %.2f us\n", 1e6 * launches / kLaunches);
}
