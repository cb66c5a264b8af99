// The draws of kernels/dropout.hpp on the device, four elements at a time.
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/dropout.hpp"

namespace abr::cuda {

// What a kernel needs of a Dropout, prepared on the host.
struct DropoutDraws {
    bool on;
    std::uint64_t key;
    std::uint32_t threshold;
    float scale;
    RandomPosition position;

    explicit DropoutDraws(const Dropout& dropout)
        : on(dropout.rate > 0),
          key(dropout_key(dropout)),
          threshold(dropout_threshold(dropout.rate)),
          scale(1.0f / (1.0f - dropout.rate)),
          position(dropout.position) {}

    // What elements 4 * four ... 4 * four + 3 of recording b are multiplied by.
    __device__ float4 factors(Index b, Index four) const {
        if (!on) return make_float4(1, 1, 1, 1);
        const Random4 words =
            philox4x32(key, static_cast<std::uint32_t>(four), position.place + static_cast<std::uint32_t>(b),
                       position.step, position.epoch);
        return make_float4(
            dropout_factor(words[0], threshold, scale), dropout_factor(words[1], threshold, scale),
            dropout_factor(words[2], threshold, scale), dropout_factor(words[3], threshold, scale));
    }
};

}  // namespace abr::cuda
