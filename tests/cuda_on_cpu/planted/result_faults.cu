// Planted faults of the kind that only results show: what the checks of every op test have to find. A comment marks the
// lines that a report has to name.
#include <cmath>

#include "kernels/cuda/device.cuh"
#include "tests/cuda_on_cpu/planted/planted.hpp"

namespace abr::test {
namespace {

using namespace cuda;

// An output as op tests hand it out: poisoned.
Buffer<float> poisoned(Index size) {
    Buffer<float> buffer(size);
    buffer.copy_from(std::vector<float>(static_cast<std::size_t>(size), std::nanf("")));
    return buffer;
}

__global__ void wrong_tail_kernel(int n, float* y) {
    const int i = static_cast<int>(threadIdx.x);
    if (i < n / 4)
        for (int j = 0; j < 4; ++j) y[4 * i + j] = 1;
}
void wrong_tail(Stream& stream) {
    const Buffer<float> y = poisoned(31);
    launch(wrong_tail_kernel, 1, 32, 0, stream, 31, y.data());
    expect(y, std::vector<float>(31, 1));  // fault: wrong_tail
}

// Right at lengths that the block divides, wrong at T = 333.
__global__ void off_by_one_kernel(int length, float* y) {
    for (int t = static_cast<int>(threadIdx.x); t < length / 32 * 32 + (length - 1) % 32; t += 32) y[t] = 1;
}
void off_by_one(Stream& stream) {
    const Buffer<float> y = poisoned(333);
    launch(off_by_one_kernel, 1, 32, 0, stream, 333, y.data());
    expect(y, std::vector<float>(333, 1));  // fault: off_by_one_at_T_333
}

__global__ void stale_output_kernel(float* y) {
    y[threadIdx.x] += 1;
}
void stale_output(Stream& stream) {
    const Buffer<float> y = poisoned(32);
    launch(stale_output_kernel, 1, 32, 0, stream, y.data());
    expect(y, std::vector<float>(32, 1));  // fault: stale_output
}

}  // namespace

std::span<const PlantedFault> result_faults() {
    static const PlantedFault faults[] = {
        {"wrong_tail", wrong_tail}, {"off_by_one_at_T_333", off_by_one}, {"stale_output", stale_output}};
    return faults;
}

}  // namespace abr::test
