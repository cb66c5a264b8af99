// The two loops of the optimiser over contiguous elements, compiled for several SIMD levels; the widest that
// the CPU has is taken at run time.
#pragma once

#include "kernels/view.hpp"

namespace abr::cpu {

// What one AdamW update of a segment needs, in the elements' precision.
template <class T>
struct AdamWConstants {
    T gradient_scale;  // of clipping
    T beta1, one_minus_beta1;
    T beta2, one_minus_beta2;
    T inverse_correction2;  // 1 / (1 - beta2^t)
    T step_size;            // rate / (1 - beta1^t)
    T epsilon;
    T keep;  // 1 - rate * decay
    T ema_decay, one_minus_ema_decay;
};

// Elements [0, count) of each buffer; ema may be null. Gradients are set to zero.
template <class T>
struct AdamWBuffers {
    T* value;
    T* gradient;
    T* first_moment;
    T* second_moment;
    T* ema;
};

void adamw_update(const AdamWConstants<float>&, const AdamWBuffers<float>&, Index count);
void adamw_update(const AdamWConstants<double>&, const AdamWBuffers<double>&, Index count);

// Sum of squares in double.
double sum_of_squares(const float* x, Index count);
double sum_of_squares(const double* x, Index count);

}  // namespace abr::cpu
