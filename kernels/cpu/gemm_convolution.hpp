// Convolution and its transpose as matrix products: each is the other's data gradient.
#pragma once

#include "kernels/cpu/gemm.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/view.hpp"

namespace abr::cpu {

// Element (k, i, o) of the weights is data[k * tap + i * in + o * out], i a channel of the op's input.
template <class T>
struct WeightView {
    const T* data = nullptr;
    Index tap = 0, in = 0, out = 1;
};

struct Windows {
    Index kernel = 1, stride = 1, dilation = 1, padding = 0;
};

// y[b,t,o] = bias[o] + sum_{k,i} x[b, t * stride - padding + k * dilation, i] * w[k,i,o]
template <class T>
void convolve(Stream&, const Windows&, Sequence<const T> x, const WeightView<T>&, const T* bias,
              Sequence<T> y, Write, T* workspace);
// y[b, t * stride - padding + k * dilation, o] += x[b,t,i] * w[k,i,o], plus bias[o] once
template <class T>
void convolve_transposed(Stream&, const Windows&, Sequence<const T> x, const WeightView<T>&, const T* bias,
                         Sequence<T> y, Write, T* workspace);

// Zero rows that convolve and convolve_transposed read beyond either end of a sample of x.
inline Index convolve_pad(const Windows& w) {
    return w.padding;
}
inline Index convolve_transposed_pad(const Windows& w) {
    const Index reach = w.dilation * (w.kernel - 1) - w.padding;
    return reach > 0 ? ceil_div(reach, w.stride) : 0;
}

}  // namespace abr::cpu
