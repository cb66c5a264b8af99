// Planted faults of order: what threads write and read without a barrier in between, and barriers and collectives
// that not everyone comes to. A comment marks the lines that a report has to name.
#include "kernels/cuda/device.cuh"
#include "tests/cuda_on_cpu/planted/planted.hpp"

namespace abr::test {
namespace {

using namespace cuda;

constexpr int kThreads = 96;

std::vector<float> rotated(int count, int by) {
    std::vector<float> values;
    for (int i = 0; i < count; ++i) values.push_back(static_cast<float>((i + by) % count));
    return values;
}

__global__ void missing_barrier_kernel(float* y) {
    DEVICE_SHARED(tile, float[kThreads]);
    const int t = static_cast<int>(threadIdx.x);
    tile[t] = static_cast<float>(t);   // fault: missing_barrier
    y[t] = tile[(t + 40) % kThreads];  // fault: missing_barrier
}
void missing_barrier(Stream& stream) {
    Buffer<float> y(kThreads);
    launch(missing_barrier_kernel, 1, kThreads, 0, stream, y.data());
    expect(y, rotated(kThreads, 40));  // fault: missing_barrier
}

__global__ void write_after_read_kernel(float* y) {
    DEVICE_SHARED(tile, float[kThreads]);
    const int t = static_cast<int>(threadIdx.x);
    float sum = 0;
    for (int round = 0; round < 4; ++round) {
        tile[t] = static_cast<float>(t + round);  // fault: write_after_read
        __syncthreads();
        sum += tile[(t + 40) % kThreads] - static_cast<float>(round);  // fault: write_after_read
    }
    y[t] = sum / 4;
}
void write_after_read(Stream& stream) {
    Buffer<float> y(kThreads);
    launch(write_after_read_kernel, 1, kThreads, 0, stream, y.data());
    expect(y, rotated(kThreads, 40));  // fault: write_after_read
}

__global__ void missing_syncwarp_kernel(float* y) {
    DEVICE_SHARED(tile, float[32]);
    const int t = static_cast<int>(threadIdx.x);
    tile[t] = static_cast<float>(t);  // fault: missing_syncwarp
    const float other = tile[t ^ 1];  // fault: missing_syncwarp
    y[t] = other;
}
void missing_syncwarp(Stream& stream) {
    Buffer<float> y(32);
    launch(missing_syncwarp_kernel, 1, 32, 0, stream, y.data());
}

__global__ void shuffle_as_barrier_kernel(float* y) {
    DEVICE_SHARED(tile, float[32]);
    const int t = static_cast<int>(threadIdx.x);
    tile[t] = static_cast<float>(t);  // fault: shuffle_as_barrier
    const float sum = __shfl_xor_sync(kWholeWarp, 1.0f, 1);
    y[t] = sum + tile[31 - t];  // fault: shuffle_as_barrier
}
void shuffle_as_barrier(Stream& stream) {
    Buffer<float> y(32);
    launch(shuffle_as_barrier_kernel, 1, 32, 0, stream, y.data());
}

__global__ void shared_update_kernel(float* y) {
    DEVICE_SHARED(count, int[1]);
    if (threadIdx.x == 0) count[0] = 0;
    __syncthreads();
    count[0] += 1;  // fault: shared_update
    __syncthreads();
    if (threadIdx.x == 0) y[0] = static_cast<float>(count[0]);
}
void shared_update(Stream& stream) {
    Buffer<float> y(1);
    launch(shared_update_kernel, 1, kThreads, 0, stream, y.data());
}

__global__ void global_update_kernel(float* sum) {
    if (threadIdx.x == 0) sum[0] += 1;  // fault: global_update
}
void global_update(Stream& stream) {
    Buffer<float> sum(1);
    launch(global_update_kernel, 7, 32, 0, stream, sum.data());
}

__global__ void half_atomic_update_kernel(int* count) {
    if (threadIdx.x < 5)
        atomicAdd(count, 1);  // fault: half_atomic_update
    else
        *count += 1;  // fault: half_atomic_update
}
void half_atomic_update(Stream& stream) {
    Buffer<int> count(1);
    launch(half_atomic_update_kernel, 1, 32, 0, stream, count.data());
}

__global__ void block_order_kernel(float* y) {
    const int b = static_cast<int>(blockIdx.x);
    if (threadIdx.x == 0) y[b] = b == 0 ? 1.0f : 2 * y[b - 1];  // fault: block_order
}
void block_order(Stream& stream) {
    Buffer<float> y(5);
    launch(block_order_kernel, 5, 32, 0, stream, y.data());
    expect(y, {1, 2, 4, 8, 16});  // fault: block_order
}

__global__ void divergent_barrier_kernel(float* y) {
    const int t = static_cast<int>(threadIdx.x);
    if (t < 40) __syncthreads();  // fault: divergent_barrier
    y[t] = 1;
}
void divergent_barrier(Stream& stream) {
    Buffer<float> y(kThreads);
    launch(divergent_barrier_kernel, 1, kThreads, 0, stream, y.data());
}

__global__ void two_barriers_kernel(float* y) {
    const int t = static_cast<int>(threadIdx.x);
    if (t < 40)
        __syncthreads();  // fault: two_barriers
    else
        __syncthreads();  // fault: two_barriers
    y[t] = 1;
}
void two_barriers(Stream& stream) {
    Buffer<float> y(kThreads);
    launch(two_barriers_kernel, 1, kThreads, 0, stream, y.data());
}

__global__ void early_return_kernel(int n, float* y) {
    DEVICE_SHARED(tile, float[kThreads]);
    const int t = static_cast<int>(threadIdx.x);
    if (t >= n) return;
    tile[t] = 1;
    __syncthreads();  // fault: early_return
    y[t] = tile[n - 1 - t];
}
void early_return(Stream& stream) {
    Buffer<float> y(kThreads);
    launch(early_return_kernel, 1, kThreads, 0, stream, 70, y.data());
}

__global__ void wrong_mask_kernel(float* y) {
    const int t = static_cast<int>(threadIdx.x);
    y[t] = __shfl_down_sync(0x0000FFFFu, 1.0f, 1);  // fault: wrong_mask
}
void wrong_mask(Stream& stream) {
    Buffer<float> y(32);
    launch(wrong_mask_kernel, 1, 32, 0, stream, y.data());
}

__global__ void lane_outside_mask_kernel(float* y) {
    const int t = static_cast<int>(threadIdx.x);
    if (t < 16) y[t] = __shfl_xor_sync(0x0000FFFFu, 1.0f, 16);  // fault: lane_outside_mask
}
void lane_outside_mask(Stream& stream) {
    Buffer<float> y(32);
    launch(lane_outside_mask_kernel, 1, 32, 0, stream, y.data());
}

__global__ void absent_lanes_kernel(float* y) {
    const int t = static_cast<int>(threadIdx.x);
    y[t] = __shfl_xor_sync(kWholeWarp, 1.0f, 1);  // fault: absent_lanes
}
void absent_lanes(Stream& stream) {
    Buffer<float> y(48);
    launch(absent_lanes_kernel, 1, 48, 0, stream, y.data());
}

__global__ void divergent_warp_kernel(float* y) {
    const int t = static_cast<int>(threadIdx.x);
    if (t % 2 == 0)
        y[t] = __shfl_xor_sync(kWholeWarp, 1.0f, 1);  // fault: divergent_warp
    else
        y[t] = __any_sync(kWholeWarp, true);  // fault: divergent_warp
}
void divergent_warp(Stream& stream) {
    Buffer<float> y(32);
    launch(divergent_warp_kernel, 1, 32, 0, stream, y.data());
}

__global__ void deadlock_kernel(float* y) {
    const int t = static_cast<int>(threadIdx.x);
    if (t == 0) __syncthreads();          // fault: deadlock
    y[t] = __any_sync(kWholeWarp, true);  // fault: deadlock
    if (t != 0) __syncthreads();
}
void deadlock(Stream& stream) {
    Buffer<float> y(32);
    launch(deadlock_kernel, 1, 32, 0, stream, y.data());
}

}  // namespace

std::span<const PlantedFault> synchronisation_faults() {
    static const PlantedFault faults[] = {{"missing_barrier", missing_barrier},
                                          {"write_after_read", write_after_read},
                                          {"missing_syncwarp", missing_syncwarp},
                                          {"shuffle_as_barrier", shuffle_as_barrier},
                                          {"shared_update", shared_update},
                                          {"global_update", global_update},
                                          {"half_atomic_update", half_atomic_update},
                                          {"block_order", block_order},
                                          {"divergent_barrier", divergent_barrier},
                                          {"two_barriers", two_barriers},
                                          {"early_return", early_return},
                                          {"wrong_mask", wrong_mask},
                                          {"lane_outside_mask", lane_outside_mask},
                                          {"absent_lanes", absent_lanes},
                                          {"divergent_warp", divergent_warp},
                                          {"deadlock", deadlock}};
    return faults;
}

}  // namespace abr::test
