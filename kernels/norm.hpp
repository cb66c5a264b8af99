// GroupNorm with everything that follows it in a residual block fused behind it, and LayerNorm.
//
// group_norm: z = normalise(x) * weight + bias over each (sample, group of channels / groups adjacent channels);
//             z = z * (1 + gamma) + beta        if film is given: (batch, 2 * channels) = gamma then beta
//             z = z + residual                  if given
//             y = gelu(z) or z
//             y = dropout(y)                    if dropout.rate > 0 (kept values are scaled by 1 / (1 - rate))
// Variance is biased and taken in two passes; eps 1e-5 (Wu and He 2018). GELU is the exact erf form (Hendrycks
// and Gimpel 2016). Statistics run over the `length` real rows; padding rows of outputs are written with zeros.
// The backward pass recomputes the argument of GELU and the dropout mask: what is kept is x, residual and the
// saved mean and rstd (batch, groups). Legal: channels divisible by groups; any batch and length >= 1.
//
// layer_norm: over the channels of each row, affine, eps 1e-5 (Ba, Kiros, Hinton 2016). Rows: a Sequence whose
// input and output may have different padding.
// Fixed summation order: the same bits for any number of threads.
#pragma once

#include "kernels/dropout.hpp"
#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

inline constexpr double kNormEpsilon = 1e-5;

struct GroupNorm {
    Index channels = 1;
    Index groups = 1;
    bool gelu = false;
};

// Elements of workspace of the backward passes (partial sums of the parameter gradients, of each sample or of fixed
// runs of rows; group_norm also the terms of each group).
Index group_norm_workspace(const GroupNorm&, Index batch);
Index layer_norm_workspace(Index channels, Index rows);

template <class T>
struct GroupNormForward {
    Sequence<const T> x;
    const T* weight;                  // (channels)
    const T* bias;                    // (channels)
    const T* film = nullptr;          // (batch, 2 * channels) or null
    Sequence<const T> residual = {};  // like x, or data == null
    Dropout dropout = {};
    Sequence<T> y;  // overwritten
    T* mean;        // (batch, groups) overwritten
    T* rstd;        // (batch, groups) overwritten
};

template <class T>
struct GroupNormBackward {
    Sequence<const T> dy;
    Sequence<const T> x;
    const T* weight;
    const T* bias;
    const T* film = nullptr;
    Sequence<const T> residual = {};
    Dropout dropout = {};
    const T* mean;
    const T* rstd;
    Sequence<T> dx;              // overwritten
    Sequence<T> dresidual = {};  // overwritten; given exactly if residual is
    T* dfilm = nullptr;          // (batch, 2 * channels) overwritten; given exactly if film is
    T* dweight;                  // (channels) accumulated
    T* dbias;                    // (channels) accumulated
    T* workspace;                // group_norm_workspace elements
};

namespace cpu {

template <class T>
void group_norm_forward(Stream&, const GroupNorm&, const GroupNormForward<T>&);

template <class T>
void group_norm_backward(Stream&, const GroupNorm&, const GroupNormBackward<T>&);

// y like x (padding may differ), overwritten; mean, rstd (batch * length) overwritten.
template <class T>
void layer_norm_forward(Stream&, Sequence<const T> x, const T* weight, const T* bias, Sequence<T> y, T* mean,
                        T* rstd);
// dx overwritten or accumulated; dweight, dbias (channels) accumulated.
template <class T>
void layer_norm_backward(Stream&, Sequence<const T> dy, Sequence<const T> x, const T* weight, const T* mean,
                         const T* rstd, Sequence<T> dx, Write, T* dweight, T* dbias, T* workspace);

}  // namespace cpu

namespace cuda {

template <class T>
void group_norm_forward(Stream&, const GroupNorm&, const GroupNormForward<T>&);
template <class T>
void group_norm_backward(Stream&, const GroupNorm&, const GroupNormBackward<T>&);

template <class T>
void layer_norm_forward(Stream&, Sequence<const T> x, const T* weight, const T* bias, Sequence<T> y, T* mean,
                        T* rstd);
template <class T>
void layer_norm_backward(Stream&, Sequence<const T> dy, Sequence<const T> x, const T* weight, const T* mean,
                         const T* rstd, Sequence<T> dx, Write, T* dweight, T* dbias, T* workspace);

}  // namespace cuda
}  // namespace abr
