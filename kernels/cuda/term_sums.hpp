// Sums of the recordings' terms of losses, row by row, so that micro-batches give the bits of one large batch.
#pragma once

#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr::cuda {

// sums[c] += terms[b, c] over b in order; terms (batch, columns) and sums on the device, columns <= kMostTermColumns.
inline constexpr int kMostTermColumns = 16;
void add_terms(Stream&, const double* terms, Index batch, int columns, double* sums);

}  // namespace abr::cuda
