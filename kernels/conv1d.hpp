// 1-D convolution and transposed convolution over channels-last sequences.
//
//   conv1d            y[b,t,o] = bias[o] + sum_{k,i} x[b, t*stride - padding + k*dilation, i] * w[k,i,o]
//   conv_transpose1d  y[b, t*stride - padding + k, o] += x[b,t,i] * w[k,i,o], plus bias[o] once
// (cross-correlation, as PyTorch's Conv1d and ConvTranspose1d; positions outside a sample read as 0.)
//
// Weights are (kernel, in_channels, out_channels), out_channels fastest; PyTorch's (out, in, k) and, transposed,
// (in, out, k) are permutations of it. `bias` (out_channels) may be null. Any kernel, stride, dilation and
// padding >= 0 is legal, any channel count, any length that leaves at least one output.
//
// x.pad and dy.pad must be >= conv1d_pad(op), conv_transpose1d_pad(op): windows reach that far beyond a sample, those
// of the data gradient into dy. An assertion checks it. Outputs may have any padding; it is set to zero.
//
// Determinism: fixed summation order, the same bits for any number of threads at one SIMD level.
// Work: 2 * batch * out_length (transposed: length) * weight_size() FLOP for each of forward, data gradient and
// weight gradient. `workspace` holds packed weights and partial sums: conv1d_workspace(...) elements, their content
// before the call is irrelevant. Speed: on the CPU all passes run on kernels/cpu/gemm.hpp, which copies no windows, or in
// fp32, where it is faster and as accurate, on kernels/cpu/winograd.hpp.
#pragma once

#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

struct Conv1d {
    Index in_channels = 1;
    Index out_channels = 1;
    Index kernel = 1;
    Index stride = 1;
    Index dilation = 1;
    Index padding = 0;

    Index out_length(Index length) const {
        return (length + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    }
    Index weight_size() const { return kernel * in_channels * out_channels; }
};

struct ConvTranspose1d {
    Index in_channels = 1;
    Index out_channels = 1;
    Index kernel = 1;
    Index stride = 1;
    Index padding = 0;

    Index out_length(Index length) const { return (length - 1) * stride - 2 * padding + kernel; }
    Index weight_size() const { return kernel * in_channels * out_channels; }
};

// Zero rows that the sequences of these ops need (both as input of the forward pass and, for gradients, dy).
Index conv1d_pad(const Conv1d&);
Index conv_transpose1d_pad(const ConvTranspose1d&);
// Elements of workspace that any pass of the op needs, for every batch up to `batch` and this input length.
Index conv1d_workspace(const Conv1d&, Index batch, Index length);
Index conv_transpose1d_workspace(const ConvTranspose1d&, Index batch, Index length);

namespace cpu {

// y (batch, out_length(x.length), out_channels) overwritten.
template <class T>
void conv1d_forward(Stream&, const Conv1d&, Sequence<const T> x, const T* weight, const T* bias,
                    Sequence<T> y, T* workspace);
// dx (batch, length, in_channels) overwritten or accumulated (its padding rows stay zero).
template <class T>
void conv1d_backward_data(Stream&, const Conv1d&, Sequence<const T> dy, const T* weight, Sequence<T> dx,
                          Write, T* workspace);
// dweight, dbias (may be null) accumulated.
template <class T>
void conv1d_backward_weight(Stream&, const Conv1d&, Sequence<const T> x, Sequence<const T> dy, T* dweight,
                            T* dbias, T* workspace);

template <class T>
void conv_transpose1d_forward(Stream&, const ConvTranspose1d&, Sequence<const T> x, const T* weight,
                              const T* bias, Sequence<T> y, T* workspace);
template <class T>
void conv_transpose1d_backward_data(Stream&, const ConvTranspose1d&, Sequence<const T> dy, const T* weight,
                                    Sequence<T> dx, Write, T* workspace);
template <class T>
void conv_transpose1d_backward_weight(Stream&, const ConvTranspose1d&, Sequence<const T> x,
                                      Sequence<const T> dy, T* dweight, T* dbias, T* workspace);

}  // namespace cpu

namespace cuda {

template <class T>
void conv1d_forward(Stream&, const Conv1d&, Sequence<const T> x, const T* weight, const T* bias,
                    Sequence<T> y, T* workspace);
template <class T>
void conv1d_backward_data(Stream&, const Conv1d&, Sequence<const T> dy, const T* weight, Sequence<T> dx,
                          Write, T* workspace);
template <class T>
void conv1d_backward_weight(Stream&, const Conv1d&, Sequence<const T> x, Sequence<const T> dy, T* dweight,
                            T* dbias, T* workspace);

template <class T>
void conv_transpose1d_forward(Stream&, const ConvTranspose1d&, Sequence<const T> x, const T* weight,
                              const T* bias, Sequence<T> y, T* workspace);
template <class T>
void conv_transpose1d_backward_data(Stream&, const ConvTranspose1d&, Sequence<const T> dy, const T* weight,
                                    Sequence<T> dx, Write, T* workspace);
template <class T>
void conv_transpose1d_backward_weight(Stream&, const ConvTranspose1d&, Sequence<const T> x,
                                      Sequence<const T> dy, T* dweight, T* dbias, T* workspace);

}  // namespace cuda
}  // namespace abr
