// What dropout and GELU must do, one element at a time.
#pragma once

#include <cmath>
#include <numbers>

#include "kernels/dropout.hpp"
#include "kernels/view.hpp"

namespace abr::test {

// The factor of element e of recording b, from the definition in kernels/dropout.hpp.
template <class S>
S dropout_reference(const Dropout& dropout, Index b, Index e) {
    if (dropout.rate == 0) return 1;
    const StepState& state = *dropout.state;
    const auto words =
        philox4x32(stream_key(state.seed, static_cast<std::uint32_t>(Purpose::dropout) + dropout.layer),
                   static_cast<std::uint32_t>(e / 4), static_cast<std::uint32_t>(dropout.place + b),
                   static_cast<std::uint32_t>(state.step), state.epoch);
    const double uniform = (static_cast<double>(words[static_cast<std::size_t>(e % 4)] >> 8) + 0.5) * 0x1p-24;
    return uniform >= static_cast<double>(dropout.rate) ? 1 / (1 - static_cast<S>(dropout.rate)) : S{0};
}

template <class S>
S normal_cdf(S z) {
    return S(0.5) * (1 + std::erf(z / std::numbers::sqrt2_v<S>));
}
template <class S>
S gelu_reference(S z) {
    return z * normal_cdf(z);
}
template <class S>
S gelu_derivative_reference(S z) {
    return normal_cdf(z) +
           z * std::exp(-z * z / 2) * std::numbers::inv_sqrtpi_v<S> / std::numbers::sqrt2_v<S>;
}

}  // namespace abr::test
