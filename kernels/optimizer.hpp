// One optimiser step over the contiguous buffers: global gradient norm, clipping, AdamW, EMA.
//
//   norm = sqrt(sum g^2), in double and in a fixed order
//   g *= min(1, clip / (norm + 1e-6))  if clip > 0, as PyTorch's clip_grad_norm_
//
//   AdamW (Loshchilov and Hutter 2019), t = 1 at the first step, lr_g = learning_rate * rate_multiplier:
//   p *= 1 - lr_g * weight_decay  where the segment decays
//   m = beta1 * m + (1 - beta1) * g
//   v = beta2 * v + (1 - beta2) * g^2
//   p -= lr_g * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//
//   ema = ema_decay * ema + (1 - ema_decay) * p  if there is one
//
// t - 1, learning_rate, ema_decay and the losses' weights are those of the StepState. Parameters come in
// segments with their own rate multiplier and decay flag; those of a frozen one, their moments and their
// average keep their bits. Gradients are set to zero after use. Bias corrections are computed in double; the
// elementwise update is in T.
//
// The step's record among `records`: losses from LossSums, total, norm before clipping and rate. If a loss or the
// norm is not finite, the first such step and component (losses in the order of Component, then the norm) are
// latched in `status`; this and every later step leaves parameters, moments and EMA untouched, but still
// writes its record and clears gradients and sums. A loss counts whatever its weight: a NaN in a measured
// component is a fault even while the curriculum keeps it off.
//
// Sums go over chunks of kOptimizerChunk elements in order: the same bits for any number of threads (and, as
// everywhere on the CPU, only for the same SIMD level). 17 floating-point operations an element, 20 with EMA;
// 9 accesses of a T, 11 with EMA: bound by memory.
#pragma once

#include <cstdint>

#include "kernels/components.hpp"
#include "kernels/loss.hpp"
#include "kernels/step_state.hpp"
#include "kernels/streams.hpp"

namespace abr {

struct ParameterSegment {
    Index begin = 0, end = 0;  // elements
    float rate_multiplier = 1;
    bool decay = false;
    bool frozen = false;
};

// Constants of a run.
struct AdamW {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;
    double gradient_clip = 1.0;  // 0 = off
};

// One row of steps.csv, written on the device.
struct StepRecord {
    std::int64_t step = 0;
    double learning_rate = 0, grad_norm = 0, loss_total = 0;
    PerComponent<double> loss;
};

// Latched fault: the first step whose loss or gradient was not finite.
struct StepStatus {
    std::int64_t bad_step = -1;
    std::int32_t bad_component = -1;  // index of Component, or kComponents for the gradient norm
};

inline constexpr Index kOptimizerChunk = 16384;  // elements
inline constexpr Index kOptimizerConstants = 8;  // doubles that a step's constants have in the workspace

Index optimizer_workspace(Index parameters);  // doubles: one for each chunk, and the constants

template <class T>
struct OptimizerStep {
    Index parameters;  // elements of each buffer
    T* value;
    T* gradient;  // zero afterwards
    T* first_moment;
    T* second_moment;
    T* ema;                            // null where there is none
    const ParameterSegment* segments;  // cover [0, parameters) in order, without gaps
    Index segment_count;
    const StepState* state;
    LossSums* sums;       // of the whole step; read, then set to zero
    StepRecord* records;  // of the epoch
    StepStatus* status;
    double* workspace;  // optimizer_workspace(parameters)
};

namespace cpu {

template <class T>
void optimizer_step(Stream&, const AdamW&, const OptimizerStep<T>&);

// Sets the gradients of the frozen segments to zero: before a step, so that they do not count in the norm.
template <class T>
void clear_frozen_gradients(Stream&, const ParameterSegment* segments, Index segment_count, T* gradient);

}  // namespace cpu

namespace cuda {

template <class T>
void optimizer_step(Stream&, const AdamW&, const OptimizerStep<T>&);

template <class T>
void clear_frozen_gradients(Stream&, const ParameterSegment* segments, Index segment_count, T* gradient);

}  // namespace cuda
}  // namespace abr
