// GELU (exact erf form) with dropout behind it, over the rows of a matrix. In the dropout counter a row is one
// recording: element e of row r is column e, its place is position.place + r / rows_per_recording (then e counts
// on over that recording's rows).
#pragma once

#include "kernels/dropout.hpp"
#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr::cpu {

// y = dropout(gelu(x)); y overwritten, may not alias x.
template <class T>
void gelu_forward(Stream&, Matrix<const T> x, const Dropout&, Index rows_per_recording, Matrix<T> y);
// dx = gradient with respect to x, overwritten; may alias dy.
template <class T>
void gelu_backward(Stream&, Matrix<const T> dy, Matrix<const T> x, const Dropout&, Index rows_per_recording,
                   Matrix<T> dx);

}  // namespace abr::cpu

namespace abr::cuda {

template <class T>
void gelu_forward(Stream&, Matrix<const T> x, const Dropout&, Index rows_per_recording, Matrix<T> y);
template <class T>
void gelu_backward(Stream&, Matrix<const T> dy, Matrix<const T> x, const Dropout&, Index rows_per_recording,
                   Matrix<T> dx);

}  // namespace abr::cuda
