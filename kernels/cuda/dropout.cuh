// The factors of kernels/dropout.hpp on the device, four elements at a time.
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/dropout.hpp"

namespace abr::cuda {

// What a thread keeps of a Dropout while it runs.
class DropoutFactors {
  public:
    __device__ explicit DropoutFactors(const Dropout& dropout)
        : draws_(dropout),
          threshold_(dropout_threshold(dropout.rate)),
          scale_(1.0f / (1.0f - dropout.rate)) {}

    __device__ bool on() const { return draws_.on; }

    // What elements 4 * four ... 4 * four + 3 of recording b are multiplied by.
    __device__ float4 at(Index b, Index four) const {
        if (!draws_.on) return make_float4(1, 1, 1, 1);
        const Random4 words =
            philox4x32(draws_.key, static_cast<std::uint32_t>(four),
                       draws_.place + static_cast<std::uint32_t>(b), draws_.step, draws_.epoch);
        return make_float4(
            dropout_factor(words[0], threshold_, scale_), dropout_factor(words[1], threshold_, scale_),
            dropout_factor(words[2], threshold_, scale_), dropout_factor(words[3], threshold_, scale_));
    }

  private:
    DropoutDraws draws_;
    std::uint32_t threshold_;
    float scale_;
};

}  // namespace abr::cuda
