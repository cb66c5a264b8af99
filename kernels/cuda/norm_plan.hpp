// What the CUDA norms need of the workspace of kernels/norm.hpp: partial sums of the parameter gradients.
#pragma once

#include "kernels/norm.hpp"

namespace abr::cuda {

// Each sample has dbias, then dweight.
inline Index group_norm_workspace(const GroupNorm& op, Index batch) {
    return batch * 2 * op.channels;
}

// Each run of rows has dweight, then dbias.
inline constexpr Index kLayerNormRun = 64;
inline Index layer_norm_runs(Index rows) {
    return (rows + kLayerNormRun - 1) / kLayerNormRun;
}
inline Index layer_norm_workspace(Index channels, Index rows) {
    return layer_norm_runs(rows) * 2 * channels;
}

}  // namespace abr::cuda
