#include "tests/cuda/wrappers/wrappers.hpp"

#include "kernels/cuda/device.cuh"

namespace abr::test::wrappers {
namespace {

using namespace cuda;

constexpr std::uint32_t kEvenLanes = 0x55555555u;

__global__ void shfl_kernel(const std::uint32_t* in, std::uint32_t* out) {
    const int lane = static_cast<int>(threadIdx.x);
    out[lane] = __shfl_sync(kWholeWarp, in[lane], 3 * lane);
}
__global__ void shfl_down_kernel(const std::uint32_t* in, std::uint32_t* out) {
    out[threadIdx.x] = __shfl_down_sync(kWholeWarp, in[threadIdx.x], 5);
}
__global__ void shfl_xor_kernel(const std::uint32_t* in, std::uint32_t* out) {
    out[threadIdx.x] = __shfl_xor_sync(kWholeWarp, in[threadIdx.x], 9);
}
__global__ void shfl_xor_float_kernel(const float* in, float* out) {
    out[threadIdx.x] = __shfl_xor_sync(kWholeWarp, in[threadIdx.x], 16);
}
__global__ void shfl_part_of_warp_kernel(const std::uint32_t* in, std::uint32_t* out) {
    std::uint32_t value = in[threadIdx.x];
    if (threadIdx.x % 2 == 0) value = __shfl_xor_sync(kEvenLanes, value, 2);
    out[threadIdx.x] = value;
}
__global__ void ballot_kernel(const std::uint32_t* in, std::uint32_t* out) {
    out[threadIdx.x] = __ballot_sync(kWholeWarp, in[threadIdx.x] != 0);
}
__global__ void any_and_all_kernel(const std::uint32_t* in, std::uint32_t* out) {
    const bool any = __any_sync(kWholeWarp, in[threadIdx.x] != 0);
    const bool all = __all_sync(kWholeWarp, in[threadIdx.x] != 0);
    out[threadIdx.x] = (any ? 1u : 0u) + (all ? 2u : 0u);
}
__global__ void barriers_kernel(const std::uint32_t* in, std::uint32_t* out) {
    DEVICE_SHARED(first, std::uint32_t[kWarpSize]);
    DEVICE_SHARED(second, std::uint32_t[kWarpSize]);
    const int lane = static_cast<int>(threadIdx.x);
    first[lane] = in[lane];
    __syncwarp(kWholeWarp);
    second[lane] = first[kWarpSize - 1 - lane];
    __syncthreads();
    out[lane] = second[kWarpSize - 1 - lane] + 2 * first[kWarpSize - 1 - lane];
}
__global__ void atomic_add_kernel(std::uint32_t* out) {
    atomicAdd(out, 1u);
    atomicAdd(out + 1 + threadIdx.x % 31, threadIdx.x);
}
__global__ void vectors_kernel(const float* in, float* out) {
    if (threadIdx.x >= 8) return;
    const auto v = load_vector<float4>(in + 4 * threadIdx.x);
    store_vector(out + 4 * threadIdx.x, make_float4(v.w, v.z, v.y, v.x));
}
__global__ void product_apart_kernel(const float* in, float* out) {
    const float x = in[threadIdx.x];
    const volatile float rounded = x * x;
    out[threadIdx.x] = __fmul_rn(x, x) - rounded;
}
__global__ void reciprocal_root_kernel(const float* in, float* out) {
    out[threadIdx.x] = rsqrtf(in[threadIdx.x]);
}
__global__ void sine_and_cosine_kernel(const double* in, double* out) {
    const double x = in[threadIdx.x];
    out[threadIdx.x] = threadIdx.x % 2 == 0 ? sinpi(x) : cospi(x);
}
__global__ void dynamic_shared_kernel(int bytes, const float* in, float* out) {
    DEVICE_DYN_SHARED(float, memory);
    float* const last = memory + bytes / static_cast<int>(sizeof(float)) - kWarpSize;
    last[threadIdx.x] = in[threadIdx.x];
    __syncwarp(kWholeWarp);
    out[threadIdx.x] = last[kWarpSize - 1 - static_cast<int>(threadIdx.x)];
}

}  // namespace

void shfl(Stream& stream, const std::uint32_t* in, std::uint32_t* out) {
    launch(shfl_kernel, 1, kWarpSize, 0, stream, in, out);
}
void shfl_down(Stream& stream, const std::uint32_t* in, std::uint32_t* out) {
    launch(shfl_down_kernel, 1, kWarpSize, 0, stream, in, out);
}
void shfl_xor(Stream& stream, const std::uint32_t* in, std::uint32_t* out) {
    launch(shfl_xor_kernel, 1, kWarpSize, 0, stream, in, out);
}
void shfl_xor_float(Stream& stream, const float* in, float* out) {
    launch(shfl_xor_float_kernel, 1, kWarpSize, 0, stream, in, out);
}
void shfl_part_of_warp(Stream& stream, const std::uint32_t* in, std::uint32_t* out) {
    launch(shfl_part_of_warp_kernel, 1, kWarpSize, 0, stream, in, out);
}
void ballot(Stream& stream, const std::uint32_t* in, std::uint32_t* out) {
    launch(ballot_kernel, 1, kWarpSize, 0, stream, in, out);
}
void any_and_all(Stream& stream, const std::uint32_t* in, std::uint32_t* out) {
    launch(any_and_all_kernel, 1, kWarpSize, 0, stream, in, out);
}
void barriers(Stream& stream, const std::uint32_t* in, std::uint32_t* out) {
    launch(barriers_kernel, 1, kWarpSize, 0, stream, in, out);
}
void atomic_add(Stream& stream, std::uint32_t* out) {
    launch(atomic_add_kernel, 1, 128, 0, stream, out);
}
void vectors(Stream& stream, const float* in, float* out) {
    launch(vectors_kernel, 1, kWarpSize, 0, stream, in, out);
}
void product_apart(Stream& stream, const float* in, float* out) {
    launch(product_apart_kernel, 1, kWarpSize, 0, stream, in, out);
}
void reciprocal_root(Stream& stream, const float* in, float* out) {
    launch(reciprocal_root_kernel, 1, kWarpSize, 0, stream, in, out);
}
void sine_and_cosine(Stream& stream, const double* in, double* out) {
    launch(sine_and_cosine_kernel, 1, kWarpSize, 0, stream, in, out);
}
void dynamic_shared(Stream& stream, int bytes, const float* in, float* out) {
    launch(dynamic_shared_kernel, 1, kWarpSize, static_cast<std::size_t>(bytes), stream, bytes, in, out);
}

}  // namespace abr::test::wrappers
