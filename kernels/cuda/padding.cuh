// The zero rows before and after each sample of a Sequence (kernels/view.hpp).
#pragma once

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

// Channels [begin, begin + width) of the padding rows of sample b, by `threads` threads, of which this is `thread`.
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
