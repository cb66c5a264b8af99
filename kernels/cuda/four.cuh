// Four neighbouring floats: as one aligned vector, or one by one as far as they exist.
#pragma once

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

// The first `count` (1 to 4) of the four values at p, zeros behind them. kVector: there are 4, 16-byte aligned.
template <bool kVector>
__device__ inline float4 load_four(const float* p, int count) {
    if constexpr (kVector) {
        return load_vector<float4>(p);
    } else {
        return make_float4(p[0], count > 1 ? p[1] : 0.0f, count > 2 ? p[2] : 0.0f, count > 3 ? p[3] : 0.0f);
    }
}
template <bool kVector>
__device__ inline void store_four(float* p, int count, float4 v) {
    if constexpr (kVector) {
        store_vector(p, v);
    } else {
        p[0] = v.x;
        if (count > 1) p[1] = v.y;
        if (count > 2) p[2] = v.z;
        if (count > 3) p[3] = v.w;
    }
}

}  // namespace abr::cuda
