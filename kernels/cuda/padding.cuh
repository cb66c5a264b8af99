// The padding rows of a Sequence, which every op that writes one keeps at zero.
#pragma once

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

// Zeroes those of y, spread over `blocks` blocks of which this is number `block`.
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

}  // namespace abr::cuda
