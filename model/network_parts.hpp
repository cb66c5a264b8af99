// What a network consists of, and where its sequences and gradients lie.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "model/attention_block.hpp"
#include "model/block_row.hpp"
#include "model/heads.hpp"
#include "model/network.hpp"
#include "model/stem.hpp"

namespace abr {

// The tasks with a head of their own, in the order in which their parameters were laid out first.
inline constexpr std::array<Component, kComponents - 1> kTaskHeads = [] {
    std::array<Component, kComponents - 1> heads{};
    std::copy_if(kMetricOrder.begin(), kMetricOrder.end(), heads.begin(),
                 [](Component c) { return task_of(c).kind != TaskKind::signal; });
    return heads;
}();

struct Network::Parts {
    // Gradients that pass between parts of the network; they lie below the parts' own scratch.
    MatrixSlot d_embedding, d_features, d_joined, d_pools, d_pool_low, d_pool_high;
    std::vector<SequenceSlot> d_level;    // of each encoder level's output
    std::vector<SequenceSlot> d_decoded;  // of each decoder level's output
    std::vector<SequenceSlot> d_concat;
    std::vector<SequenceSlot> d_down;  // of each stride-2 convolution's output
    SequenceSlot d_stem, d_tokens, d_normed, d_restored;
    PerComponent<MatrixSlot> d_heads;

    MatrixSlot embedding_out;
    std::optional<StaticEmbedding> embedding;
    SequenceSlot stem_out;
    std::optional<Stem> stem;
    std::deque<BlockRow> encoder;
    std::deque<ConvLayer> down;          // down[i]: level i -> i + 1
    std::vector<SequenceSlot> down_out;  // input of encoder level i + 1
    std::vector<SequenceSlot> tokens;    // tokens[i]: input of attention block i; the last: input of the norm
    std::deque<AttentionBlock> attention;
    std::optional<LayerNormLayer> token_norm;
    SequenceSlot normed;
    std::deque<UpsampleLayer> up;  // up[i]: level i + 1 -> i
    std::vector<SequenceSlot> up_out, concat;
    std::deque<BlockRow> decoder;  // decoder[i]: level i
    std::optional<ConvLayer> signal_head;
    SequenceSlot restored;
    std::optional<PoolLayer> pool_low, pool_high;
    MatrixSlot pooled_low, pooled_high, pools, joined, features;
    std::optional<LayerNormLayer> feature_norm;
    PerComponent<std::optional<TaskHead>> heads;
    PerComponent<MatrixSlot> head_out;

    Parts(Builder& b, const NetworkShape& s, Index pad);

    Index last() const { return static_cast<Index>(encoder.size()) - 1; }  // the lowest level
    SequenceSlot decoded(Index level) const {
        return level == last() ? normed : decoder[static_cast<std::size_t>(level)].output();
    }
};

}  // namespace abr
