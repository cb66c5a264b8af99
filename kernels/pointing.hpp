// Pointing: a place in a sequence, as an expectation over its samples (soft-argmax), and what stands there.
//
//   a[b,:] = softmax of score[b,t] over t < window,  place[b] = first + step * sum_t a[b,t] t,
//   reading[b,:] = sum_t a[b,t] x[b,t,:]
// score (batch, length, 1), x (batch, length, channels), length >= window. Kept for backward: x and a (batch, window).
// Samples beyond the window are not looked at, and their gradients are 0. Fixed summation order.
#pragma once

#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

// The places of samples, in the unit of what is pointed at: sample t stands at first + step * t.
struct SamplePlaces {
    Index window = 1;
    double first = 0;
    double step = 1;
};

// Scalars for the backward pass.
inline Index pointing_workspace(const SamplePlaces& places, Index batch) {
    return batch * places.window;
}

template <class T>
struct PointingForward {
    Sequence<const T> score;
    Sequence<const T> x;
    Matrix<T> a;        // (batch, window) overwritten
    Matrix<T> place;    // (batch, 1) overwritten
    Matrix<T> reading;  // (batch, channels) overwritten
};

template <class T>
struct PointingBackward {
    Matrix<const T> dplace;    // (batch, 1)
    Matrix<const T> dreading;  // (batch, channels)
    Sequence<const T> x;
    Matrix<const T> a;
    Sequence<T> dscore;  // overwritten or accumulated
    Write write_score;
    Sequence<T> dx;  // overwritten or accumulated
    Write write_x;
    T* workspace;
};

namespace cpu {

template <class T>
void pointing_forward(Stream&, const SamplePlaces&, const PointingForward<T>&);
template <class T>
void pointing_backward(Stream&, const SamplePlaces&, const PointingBackward<T>&);

}  // namespace cpu

namespace cuda {

template <class T>
void pointing_forward(Stream&, const SamplePlaces&, const PointingForward<T>&);
template <class T>
void pointing_backward(Stream&, const SamplePlaces&, const PointingBackward<T>&);

}  // namespace cuda
}  // namespace abr
