// Attention of any length and depth, for what kernels/cuda/attention.cu cannot keep in shared memory: products and
// softmax are kernels of their own, the scores go through memory.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/cuda/stream.hpp"

namespace abr::cuda {

// As in kernels/attention.hpp; the padding rows of o are not written.
void attention_forward_long(Stream&, const Attention&, Sequence<const float> qkv, Sequence<float> o,
                            float* probabilities);
// The padding rows of dqkv are not written.
void attention_backward_long(Stream&, const Attention&, Sequence<const float> d_o, Sequence<const float> qkv,
                             const float* probabilities, Sequence<float> dqkv, float* workspace);

}  // namespace abr::cuda
