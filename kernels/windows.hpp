// The windows that a convolution reads, for every backend: how conv1d, conv_transpose1d and their data gradients become
// matrix products. Each op is the other's data gradient.
//
//   convolve             y[b,t,o] = bias[o] + sum_{k,i} x[b, t * stride - padding + k * dilation, i] * w[k,i,o]
//   convolve_transposed  y[b, t * stride - padding + k * dilation, o] += x[b,t,i] * w[k,i,o], plus bias[o] once
#pragma once

#include <numeric>

#include "kernels/conv1d.hpp"

namespace abr {

struct Windows {
    Index kernel = 1, stride = 1, dilation = 1, padding = 0;
};
inline Windows windows(const Conv1d& op) {
    return {op.kernel, op.stride, op.dilation, op.padding};
}
inline Windows windows(const ConvTranspose1d& op) {
    return {op.kernel, op.stride, 1, op.padding};
}

// Element (k, i, o) of the weights is data[k * tap + i * in + o * out], i a channel of the product's input.
template <class T>
struct WeightView {
    const T* data = nullptr;
    Index tap = 0, in = 0, out = 1;
};
// For an op's forward pass and its data gradient.
template <class T, class Op>
WeightView<T> forward_weights(const Op& op, const T* weight) {
    return {weight, op.in_channels * op.out_channels, op.out_channels, 1};
}
template <class T, class Op>
WeightView<T> backward_weights(const Op& op, const T* weight) {
    return {weight, op.in_channels * op.out_channels, 1, op.out_channels};
}

// Row u of y = convolve_transposed(x) receives x[t] through tap k where t * stride = u + padding - k * dilation. The
// rows u = first, first + stride, ... share their taps: those with k * dilation = u + padding (mod stride). With g =
// gcd(dilation, stride) they are stride / g apart, and t falls by dilation / g from one to the next: a convolution of x
// by every such tap, last one first, that writes every stride-th row of y.
struct Phase {
    Index length = 0;              // rows of y
    Index taps = 0, last_tap = 0;  // taps may be 0; the taps are last_tap, last_tap - tap_step, ...
    Index tap_step = 1;
    Index position = 0, row_step = 1;  // of x: the row that last_tap reads for `first`; rows between taps
};
// first < min(stride, y_length).
inline Phase transposed_phase(const Windows& w, Index y_length, Index first) {
    const Index divisor = std::gcd(w.dilation, w.stride);
    Phase phase;
    phase.length = (y_length - first - 1) / w.stride + 1;
    phase.tap_step = w.stride / divisor;
    phase.row_step = w.dilation / divisor;
    Index tap = 0;
    while (tap < w.kernel && (first + w.padding - tap * w.dilation) % w.stride != 0) ++tap;
    if (tap == w.kernel) return phase;
    phase.taps = (w.kernel - 1 - tap) / phase.tap_step + 1;
    phase.last_tap = tap + (phase.taps - 1) * phase.tap_step;
    phase.position = (first + w.padding - phase.last_tap * w.dilation) / w.stride;
    return phase;
}

// Zero rows that convolve and convolve_transposed read beyond either end of a sample of x.
inline Index convolve_pad(const Windows& w) {
    return w.padding;
}
inline Index convolve_transposed_pad(const Windows& w) {
    const Index reach = w.dilation * (w.kernel - 1) - w.padding;
    return reach > 0 ? (reach + w.stride - 1) / w.stride : 0;
}

}  // namespace abr
