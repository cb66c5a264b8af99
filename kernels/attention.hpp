// Multi-head self-attention core (Vaswani et al. 2017), without its projections, and sinusoidal positions.
//
//   for each sample and head h, with D = channels / heads:
//     p = softmax(q k^T / sqrt(D)),  o = p v
// qkv (batch, length, 3 * channels): q, k, v side by side, head h in channels h*D ... (h+1)*D of each part; no
// padding rows. o (batch, length, channels). Any length; optimised for the product's 25 tokens.
// What is kept for backward: qkv and the probabilities p (batch, heads, length, length).
// 4 * batch * length^2 * channels FLOP forward, twice that backward. Fixed summation order.
#pragma once

#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

struct Attention {
    Index channels = 1;
    Index heads = 1;  // divides channels
};

namespace cpu {

template <class T>
void attention_forward(Stream&, const Attention&, Sequence<const T> qkv, Sequence<T> o, T* probabilities);
// dqkv overwritten. workspace: attention_workspace(...) elements.
template <class T>
void attention_backward(Stream&, const Attention&, Sequence<const T> d_o, Sequence<const T> qkv,
                        const T* probabilities, Sequence<T> dqkv, T* workspace);

// y[b,t,c] = x[b,t,c] + position(t, c): sin(t / 10000^(c/channels)) for even c, cos(t / 10000^((c-1)/channels))
// for odd c. x and y may differ in padding.
template <class T>
void add_positions(Stream&, Sequence<const T> x, Sequence<T> y);

}  // namespace cpu

namespace cuda {

template <class T>
void attention_forward(Stream&, const Attention&, Sequence<const T> qkv, Sequence<T> o, T* probabilities);
template <class T>
void attention_backward(Stream&, const Attention&, Sequence<const T> d_o, Sequence<const T> qkv,
                        const T* probabilities, Sequence<T> dqkv, T* workspace);

template <class T>
void add_positions(Stream&, Sequence<const T> x, Sequence<T> y);

}  // namespace cuda

Index attention_workspace(const Attention&, Index batch, Index length);

}  // namespace abr
