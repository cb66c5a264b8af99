// Planted faults of a host that forgets that a launch only queues its kernel. A comment marks the lines that a report has
// to name.
#include <memory>

#include "kernels/cuda/device.cuh"
#include "tests/cuda_on_cpu/planted/planted.hpp"

namespace abr::test {
namespace {

using namespace cuda;

__global__ void fill_kernel(float value, float* y) {
    y[threadIdx.x] = value;
}
void missing_wait(Stream& stream) {
    Buffer<float> y(32);
    launch(fill_kernel, 1, 32, 0, stream, 1.0f, y.data());
    expect_now(y, 1);  // fault: missing_wait
}
void wait_for_another_stream(Stream& stream) {
    Buffer<float> y(32);
    Stream other;
    launch(fill_kernel, 1, 32, 0, stream, 1.0f, y.data());
    other.synchronize();
    expect_now(y, 1);  // fault: wait_for_another_stream
}

void late_argument(Stream& stream) {
    Buffer<float> y(32);
    float value = 1;
    launch(fill_kernel, 1, 32, 0, stream, value, y.data());
    value = 2;
    expect(y, std::vector<float>(32, value));  // fault: late_argument
}

__global__ void copy_kernel(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x];  // fault: freed_host_memory
}
void freed_host_memory(Stream& stream) {
    Buffer<float> y(32);
    const std::vector<float> expected(32, 1);  // made before, lest it takes the place of what is freed
    auto values = std::make_unique<std::vector<float>>(expected);
    launch(copy_kernel, 1, 32, 0, stream, static_cast<const float*>(values->data()), y.data());
    values.reset();
    expect(y, expected);  // fault: freed_host_memory
}

}  // namespace

std::span<const PlantedFault> queue_faults() {
    static const PlantedFault faults[] = {{"missing_wait", missing_wait},
                                          {"wait_for_another_stream", wait_for_another_stream},
                                          {"late_argument", late_argument},
                                          {"freed_host_memory", freed_host_memory}};
    return faults;
}

}  // namespace abr::test
