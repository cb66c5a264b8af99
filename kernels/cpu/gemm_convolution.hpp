// Convolution and its transpose on the CPU's matrix products.
#pragma once

#include "kernels/cpu/gemm.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/view.hpp"
#include "kernels/windows.hpp"

namespace abr::cpu {

// The two products of kernels/windows.hpp.
template <class T>
void convolve(Stream&, const Windows&, Sequence<const T> x, const WeightView<T>&, const T* bias,
              Sequence<T> y, Write, T* workspace);
template <class T>
void convolve_transposed(Stream&, const Windows&, Sequence<const T> x, const WeightView<T>&, const T* bias,
                         Sequence<T> y, Write, T* workspace);

}  // namespace abr::cpu
