#include "kernels/cuda/term_sums.hpp"

#include "kernels/cuda/device.cuh"

namespace abr::cuda {
namespace {

constexpr int kThreads = 128;  // and rows in shared memory at a time

// One block; a thread for each column adds the rows.
__global__ void __launch_bounds__(kThreads)
    add_terms_kernel(const double* terms, Index batch, int columns, double* sums) {
    DEVICE_SHARED(tile, double[kThreads * kMostTermColumns]);
    const auto c = static_cast<int>(threadIdx.x);
    double sum = c < columns ? sums[c] : 0.0;
    for (Index first = 0; first < batch; first += kThreads) {
        const auto rows = static_cast<int>(batch - first < kThreads ? batch - first : kThreads);
        __syncthreads();  // the last tile has been read
        for (int i = c; i < rows * columns; i += kThreads) tile[i] = terms[first * columns + i];
        __syncthreads();
        if (c < columns)
            for (int r = 0; r < rows; ++r) sum += tile[r * columns + c];
    }
    if (c < columns) sums[c] = sum;
}

}  // namespace

void add_terms(Stream& stream, const double* terms, Index batch, int columns, double* sums) {
    launch(add_terms_kernel, 1, kThreads, 0, stream, terms, batch, columns, sums);
}

}  // namespace abr::cuda
