// Attention pooling: one vector per sample from a sequence.
//
//   h[b,t,:] = tanh(x[b,t,:] W + c),  score[b,t] = v . h[b,t,:],  a = softmax over t,  y[b,:] = sum_t a[b,t] x[b,t,:]
// x (batch, length, channels), W (channels, hidden), c (hidden), v (hidden); no bias on the score. Kept for
// backward: x, h (batch, length, hidden) and a (batch, length). Any sizes. Fixed summation order.
#pragma once

#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

struct AttentionPool {
    Index channels = 1;
    Index hidden = 1;
};

Index attention_pool_workspace(const AttentionPool&, Index batch, Index length);

template <class T>
struct AttentionPoolForward {
    Sequence<const T> x;
    const T* weight;  // (channels, hidden)
    const T* bias;    // (hidden)
    const T* score;   // (hidden), the vector v
    T* h;             // (batch, length, hidden) overwritten
    T* a;             // (batch, length) overwritten
    Matrix<T> y;      // (batch, channels) overwritten
    T* workspace;
};

template <class T>
struct AttentionPoolBackward {
    Matrix<const T> dy;
    Sequence<const T> x;
    const T* weight;
    const T* score;
    const T* h;
    const T* a;
    Sequence<T> dx;  // overwritten or accumulated
    Write write;
    T* dweight;  // accumulated
    T* dbias;    // accumulated
    T* dscore;   // accumulated
    T* workspace;
};

namespace cpu {

template <class T>
void attention_pool_forward(Stream&, const AttentionPool&, const AttentionPoolForward<T>&);

template <class T>
void attention_pool_backward(Stream&, const AttentionPool&, const AttentionPoolBackward<T>&);

}  // namespace cpu

namespace cuda {

template <class T>
void attention_pool_forward(Stream&, const AttentionPool&, const AttentionPoolForward<T>&);
template <class T>
void attention_pool_backward(Stream&, const AttentionPool&, const AttentionPoolBackward<T>&);

}  // namespace cuda
}  // namespace abr
