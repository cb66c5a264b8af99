// Planted faults of memory: outside of buffers and shared memory, misaligned, never written. A comment marks the lines
// that a report has to name.
#include "kernels/cuda/device.cuh"
#include "tests/cuda_on_cpu/planted/planted.hpp"

namespace abr::test {
namespace {

using namespace cuda;

__global__ void read_outside_kernel(const float* x, float* y) {
    const int t = static_cast<int>(threadIdx.x);
    y[t] = x[t] + x[t + 1];  // fault: read_outside
}
void read_outside(Stream& stream) {
    const Buffer<float> x(32);
    Buffer<float> y(32);
    launch(read_outside_kernel, 1, 32, 0, stream, x.data(), y.data());
}

__global__ void write_outside_kernel(float* y) {
    y[static_cast<int>(threadIdx.x) - 1] = 1;  // fault: write_outside
}
void write_outside(Stream& stream) {
    Buffer<float> y(32);
    launch(write_outside_kernel, 1, 32, 0, stream, y.data());
}

__global__ void shared_overrun_kernel(float* y) {
    DEVICE_SHARED(tile, float[31]);  // fault: shared_overrun
    const int t = static_cast<int>(threadIdx.x);
    tile[t] = 1;  // fault: shared_overrun
    y[t] = 1;
}
void shared_overrun(Stream& stream) {
    Buffer<float> y(32);
    launch(shared_overrun_kernel, 1, 32, 0, stream, y.data());
}

__global__ void short_dynamic_shared_kernel(float* y) {
    DEVICE_DYN_SHARED(float, tile);
    const int t = static_cast<int>(threadIdx.x);
    tile[t] = 1;  // fault: short_dynamic_shared
    y[t] = 1;
}
void short_dynamic_shared(Stream& stream) {
    Buffer<float> y(64);
    const std::size_t bytes = 63 * sizeof(float);
    launch(short_dynamic_shared_kernel, 1, 64, bytes, stream, y.data());  // fault: short_dynamic_shared
}

__global__ void no_dynamic_shared_kernel(float* y) {
    DEVICE_DYN_SHARED(float, tile);
    tile[threadIdx.x] = 1;  // fault: no_dynamic_shared
    y[threadIdx.x] = 1;
}
void no_dynamic_shared(Stream& stream) {
    Buffer<float> y(32);
    launch(no_dynamic_shared_kernel, 1, 32, 0, stream, y.data());
}

// Each amount is below 48 KB, and less dynamic memory than makes the launch ask for more.
__global__ void shared_sum_kernel(float* y) {
    DEVICE_SHARED(table, float[5 * 1024]);  // fault: shared_sum
    DEVICE_DYN_SHARED(float, tile);
    tile[threadIdx.x] = table[threadIdx.x] = 1;
    y[threadIdx.x] = tile[threadIdx.x];
}
void shared_sum(Stream& stream) {
    Buffer<float> y(32);
    launch(shared_sum_kernel, 1, 32, 30 * 1024, stream, y.data());
}

__global__ void unwritten_shared_kernel(float* y) {
    DEVICE_SHARED(tile, float[64]);
    const int t = static_cast<int>(threadIdx.x);
    if (t < 50) tile[t] = static_cast<float>(t);
    __syncthreads();
    y[t] = tile[63 - t];  // fault: unwritten_shared
}
void unwritten_shared(Stream& stream) {
    Buffer<float> y(64);
    launch(unwritten_shared_kernel, 1, 64, 0, stream, y.data());
    std::vector<float> expected(64, 0);
    for (int t = 14; t < 64; ++t) expected[static_cast<std::size_t>(t)] = static_cast<float>(63 - t);
    expect(y, expected);  // fault: unwritten_shared
}

__global__ void misaligned_vector_kernel(const float* x, float* y) {
    store_vector(y, load_vector<float4>(x + 1));  // fault: misaligned_vector
}
void misaligned_vector(Stream& stream) {
    const Buffer<float> x(8);
    Buffer<float> y(4);
    launch(misaligned_vector_kernel, 1, 1, 0, stream, x.data(), y.data());
}

__global__ void misaligned_cast_kernel(const float* x, float2* y) {
    *y = *reinterpret_cast<const float2*>(x + 1);  // fault: misaligned_cast
}
void misaligned_cast(Stream& stream) {
    const Buffer<float> x(8);
    Buffer<float2> y(1);
    launch(misaligned_cast_kernel, 1, 1, 0, stream, x.data(), y.data());
}

__global__ void null_pointer_kernel(float* y) {
    y[threadIdx.x] = 1;  // fault: null_pointer
}
void null_pointer(Stream& stream) {
    const Buffer<float> empty;
    launch(null_pointer_kernel, 1, 32, 0, stream, empty.data());
}

__global__ void too_many_threads_kernel(float* y) {
    y[0] = 1;
}
void too_many_threads(Stream& stream) {
    Buffer<float> y(1);
    launch(too_many_threads_kernel, 1, dim3(64, 32), 0, stream, y.data());  // fault: too_many_threads
}

}  // namespace

std::span<const PlantedFault> memory_faults() {
    static const PlantedFault faults[] = {
        {"read_outside", read_outside},           {"write_outside", write_outside},
        {"shared_overrun", shared_overrun},       {"short_dynamic_shared", short_dynamic_shared},
        {"no_dynamic_shared", no_dynamic_shared}, {"shared_sum", shared_sum},
        {"unwritten_shared", unwritten_shared},   {"misaligned_vector", misaligned_vector},
        {"misaligned_cast", misaligned_cast},     {"null_pointer", null_pointer},
        {"too_many_threads", too_many_threads}};
    return faults;
}

}  // namespace abr::test
