// Convolutions of stride 1 by minimal filtering (winograd_kernel.hpp): about half of the products of gemm.hpp, in fp32.
//
// Error: at most twice that of a naive sum in fp32 (tests/kernels/conv1d_test.cpp); its sums are shorter, but its
// transforms cancel. Tasks depend on shapes alone and every sum has a fixed order: the same bits for any number of
// threads; a sample's bits do not depend on its place in the batch.
#pragma once

#include "kernels/cpu/stream.hpp"
#include "kernels/windows.hpp"

namespace abr::cpu {

// Whether a convolution loses nothing by it and is faster.
bool winograd_suits(const Windows&, Index in_channels, Index out_channels);
// rows: of dy in the whole batch, which are summed.
bool winograd_suits_weight_gradient(const Windows&, Index in_channels, Index out_channels, Index rows);
// Elements of workspace that any of the functions below needs, for every batch up to `batch`; in and out may change
// places. 0 where winograd_suits() says no.
Index winograd_workspace(const Windows&, Index in_channels, Index out_channels, Index batch,
                         Index out_length);

// As convolve() and convolve_transposed() of gemm_convolution.hpp, for stride 1.
void winograd_convolve(Stream&, const Windows&, Sequence<const float> x, const WeightView<float>&,
                       const float* bias, Sequence<float> y, Write, float* workspace);
void winograd_convolve_transposed(Stream&, const Windows&, Sequence<const float> x, const WeightView<float>&,
                                  const float* bias, Sequence<float> y, Write, float* workspace);
// dw (kernel, x.channels, dy.channels) accumulated.
void winograd_weight_gradient(Stream&, const Windows&, Sequence<const float> x, Sequence<const float> dy,
                              float* dw, float* workspace);

}  // namespace abr::cpu
