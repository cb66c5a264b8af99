// The zero rows before and after each sample of a Sequence (kernels/view.hpp), which every op that writes one keeps.
#pragma once

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

// Those of all samples, spread over `blocks` blocks of which this is number `block`.
__device__ inline void zero_padding(const Sequence<float>& y, Index block, Index blocks) {
    const Index border = y.pad * y.channels;
    for (Index b = block; b < y.batch; b += blocks) {
        float* const front = y.row(b, -y.pad);
        float* const back = y.row(b, y.length);
        for (Index i = threadIdx.x; i < border; i += blockDim.x) {
            front[i] = 0;
            back[i] = 0;
        }
    }
}

// Channels [begin, begin + width) of those of sample b, by `threads` threads, of which this is `thread`.
__device__ inline void zero_padding(const Sequence<float>& s, Index b, Index begin, int width, int thread,
                                    int threads) {
    const int rows = 2 * static_cast<int>(s.pad);
    for (int i = thread; i < rows * width; i += threads) {
        const int row = i / width;
        const Index t = row < s.pad ? row - s.pad : s.length + row - s.pad;
        s.row(b, t)[begin + i % width] = 0;
    }
}

}  // namespace abr::cuda
