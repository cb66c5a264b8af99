// Sums of partial results in a fixed order, for gradients of parameters.
#pragma once

#include "kernels/cuda/stream.hpp"
#include "kernels/view.hpp"

namespace abr::cuda {

// first[i] += sum over p < count of partials[p * 2 * width + i], i in [0, width), and second[i] likewise from
// partials[p * 2 * width + width + i].
void add_partial_sums(Stream&, const float* partials, Index count, Index width, float* first, float* second);

// out[i] += sum over p < count of partials[p * width + i], i in [0, width).
void add_partial_sums(Stream&, const float* partials, Index count, Index width, float* out);

// One of this build's kernels, to ask whether the device can run them.
const void* any_kernel();

}  // namespace abr::cuda
