// Affine maps of rows: y[r,o] = bias[o] + sum_i x[r,i] * w[i,o].
//
// Weights are (in, out), out fastest (the transpose of PyTorch's Linear). `bias` (out) may be null. Any sizes.
// A pointwise (1x1) convolution over a padded sequence is conv1d with kernel 1.
// Fixed summation order: the same bits for any number of threads. 2 * rows * in * out FLOP a pass.
// `workspace`: linear_workspace(in, out, rows) elements, enough for every smaller number of rows, too; its content
// before the call is irrelevant.
#pragma once

#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

Index linear_workspace(Index in, Index out, Index rows);

namespace cpu {

// x (rows, in), y (rows, out) overwritten.
template <class T>
void linear_forward(Stream&, Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, T* workspace);
// dx (rows, in) overwritten or accumulated.
template <class T>
void linear_backward_data(Stream&, Matrix<const T> dy, const T* weight, Matrix<T> dx, Write, T* workspace);
// dweight (in, out), dbias (out, may be null) accumulated.
template <class T>
void linear_backward_weight(Stream&, Matrix<const T> x, Matrix<const T> dy, T* dweight, T* dbias,
                            T* workspace);

}  // namespace cpu

namespace cuda {

template <class T>
void linear_forward(Stream&, Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, T* workspace);
template <class T>
void linear_backward_data(Stream&, Matrix<const T> dy, const T* weight, Matrix<T> dx, Write, T* workspace);
template <class T>
void linear_backward_weight(Stream&, Matrix<const T> x, Matrix<const T> dy, T* dweight, T* dbias,
                            T* workspace);

}  // namespace cuda
}  // namespace abr
