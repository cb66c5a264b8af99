// The padding rows of a Sequence, which every op that writes one keeps at zero.
#pragma once

#include <algorithm>

#include "kernels/view.hpp"

namespace abr::cpu {

template <class T>
void zero_padding(Sequence<T> y, Index b) {
    std::fill_n(y.row(b, -y.pad), y.pad * y.channels, T{0});
    std::fill_n(y.row(b, y.length), y.pad * y.channels, T{0});
}

}  // namespace abr::cpu
