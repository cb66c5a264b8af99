// kWide (1 or 4) neighbouring floats, moved at once.
#pragma once

#include "kernels/cuda/dropout.cuh"

namespace abr::cuda {

template <int kWide>
struct Wide {
    static_assert(kWide == 1 || kWide == 4);
    float v[kWide];

    // p is aligned to the size.
    __device__ static Wide load(const float* p) {
        if constexpr (kWide == 4) {
            const float4 four = load_vector<float4>(p);
            return {{four.x, four.y, four.z, four.w}};
        } else {
            return {{*p}};
        }
    }
    __device__ void store(float* p) const {
        if constexpr (kWide == 4)
            store_vector(p, make_float4(v[0], v[1], v[2], v[3]));
        else
            *p = v[0];
    }
};

// What elements e ... e + kWide - 1 of recording b are multiplied by; e is divisible by kWide.
template <int kWide>
__device__ inline Wide<kWide> dropout_factors(const DropoutFactors& factors, Index b, Index e) {
    const float4 four = factors.at(b, e / 4);
    if constexpr (kWide == 4) {
        return {{four.x, four.y, four.z, four.w}};
    } else {
        const Index word = e % 4;
        return {{word == 0 ? four.x : word == 1 ? four.y : word == 2 ? four.z : four.w}};
    }
}

// Whether rows of `columns` floats at these addresses (null ones do not count) can be moved four at a time.
template <class... Pointers>
bool rows_of_four(Index columns, const Pointers*... p) {
    return columns % 4 == 0 && (... && is_aligned(p, 16));
}

}  // namespace abr::cuda
