// How the CUDA attention pooling lays out the workspace of kernels/attention_pool.hpp.
#pragma once

#include <algorithm>

#include "kernels/attention_pool.hpp"

namespace abr::cuda {

// Offsets in elements: the gradient with respect to x W + c (batch, length, hidden), that with respect to the scores
// (batch, length), each sample's shares of dbias and dscore (batch, 2 * hidden), and the shares of dweight of
// `runs` runs of `run` rows each (runs, channels * hidden).
struct AttentionPoolPlan {
    Index d_score, shares, products, size;
    Index run, runs;

    AttentionPoolPlan(const AttentionPool& op, Index batch, Index length) {
        constexpr Index kTile = 64;     // of a product
        constexpr Index kBlocks = 256;  // about what fills a device
        constexpr Index kFewest = 256;  // rows that a run has at least
        const auto whole = [](Index count, Index unit) { return (count + unit - 1) / unit; };
        const Index rows = batch * length;
        const Index tiles = whole(op.channels, kTile) * whole(op.hidden, kTile);
        run = std::max(kFewest, whole(rows * tiles, kBlocks));
        runs = whole(rows, run);
        d_score = rows * op.hidden;
        shares = d_score + rows;
        products = shares + batch * 2 * op.hidden;
        size = products + runs * op.channels * op.hidden;
    }
};

}  // namespace abr::cuda
