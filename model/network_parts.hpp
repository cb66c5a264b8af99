// What a network consists of, and how a pass goes through it.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "kernels/attention.hpp"
#include "model/attention_block.hpp"
#include "model/block_row.hpp"
#include "model/heads.hpp"
#include "model/network.hpp"
#include "model/pointer.hpp"
#include "model/stem.hpp"

namespace abr {

// The tasks with a head of their own, in the order in which their parameters were laid out first.
constexpr bool has_task_head(Component c) {
    return is_task(c) && task_of(c).kind != TaskKind::signal;
}
inline constexpr auto kTaskHeads = [] {
    std::array<Component, std::count_if(kMetricOrder.begin(), kMetricOrder.end(), has_task_head)> heads{};
    std::copy_if(kMetricOrder.begin(), kMetricOrder.end(), heads.begin(), has_task_head);
    return heads;
}();

struct Network::Parts {
    // Tensors that go from part to part; a vector's index is the level, 0 at full resolution.
    Tensor signal, statics;
    NetworkTensors named;
    Tensor stemmed;
    std::vector<Tensor> encoded;
    std::vector<Tensor> halved;   // [i]: level i, for level i + 1
    std::vector<Tensor> tokens;   // [i]: behind i attention blocks; one gradient, as AttentionBlock asks
    std::vector<Tensor> decoded;  // the last: the bottleneck's output
    std::vector<Tensor> doubled;  // [i]: level i + 1, for level i
    std::vector<Tensor> joined;   // [i]: doubled[i] beside encoded[i]
    Tensor pooled_low, pooled_high, pools, reading, pools_and_reading, pools_and_embedding;

    // Parts, in the order of their parameters.
    std::optional<StaticEmbedding> embedding;
    std::optional<Stem> stem;
    std::vector<BlockRow> encoder;
    std::vector<ConvLayer> down;  // [i]: level i -> i + 1
    std::vector<AttentionBlock> attention;
    std::optional<LayerNormLayer> token_norm;
    std::vector<UpsampleLayer> up;  // [i]: level i + 1 -> i
    std::vector<BlockRow> decoder;
    std::optional<ConvLayer> signal_head;
    std::optional<PoolLayer> pool_low, pool_high;
    std::optional<Pointer> pointer;
    std::optional<LayerNormLayer> feature_norm;
    PerComponent<std::optional<Perceptron>> heads;

    Parts(Builder& b, const NetworkShape& s, Index input_pad);

    template <class P>
    void forward(const P& p) const {
        const Tensor& e = named.embedding;
        embedding->forward(p, statics, e);

        stem->forward(p, signal, stemmed);
        encoder[0].forward(p, stemmed, e, encoded[0]);
        for (std::size_t i = 0; i < down.size(); ++i) {
            down[i].forward(p, encoded[i], halved[i]);
            encoder[i + 1].forward(p, halved[i], e, encoded[i + 1]);
        }

        add_positions(p.stream, p.value(encoded.back()), p.output(tokens[0]));
        for (std::size_t i = 0; i < attention.size(); ++i) attention[i].forward(p, tokens[i], tokens[i + 1]);
        token_norm->forward(p, tokens.back(), decoded.back());

        for (std::size_t i = up.size(); i-- > 0;) {
            up[i].forward(p, decoded[i + 1], doubled[i]);
            concatenate(p, doubled[i], encoded[i], joined[i]);
            decoder[i].forward(p, joined[i], e, decoded[i]);
        }

        if (signal_head) signal_head->forward(p, decoded[0], named.outputs[Component::signal]);
        if (!feature_norm) return;
        pool_low->forward(p, decoded.back(), pooled_low);
        pool_high->forward(p, decoded[0], pooled_high);
        concatenate(p, pooled_low, pooled_high, pools);
        if (pointer) {
            pointer->forward(p, decoded[0], e, pointed());
            concatenate(p, pools, reading, pools_and_reading);
        }
        concatenate(p, pointer ? pools_and_reading : pools, e, pools_and_embedding);
        feature_norm->forward(p, pools_and_embedding, named.features);
        for (const auto c : kTaskHeads)
            if (heads[c]) heads[c]->forward(p, named.features, named.outputs[c]);
    }

    template <class P>
    void backward(const P& p) const {
        const Tensor& e = named.embedding;
        if (signal_head) signal_head->backward(p, decoded[0], named.outputs[Component::signal]);
        if (feature_norm) {
            for (const auto c : kTaskHeads)
                if (heads[c]) heads[c]->backward(p, named.features, named.outputs[c]);
            feature_norm->backward(p, pools_and_embedding, named.features);
            concatenate_backward(p, pointer ? pools_and_reading : pools, e, pools_and_embedding);
            if (pointer) {
                concatenate_backward(p, pools, reading, pools_and_reading);
                pointer->backward(p, decoded[0], e, pointed());
            }
            concatenate_backward(p, pooled_low, pooled_high, pools);
            pool_high->backward(p, decoded[0], pooled_high);
            pool_low->backward(p, decoded.back(), pooled_low);
        }

        for (std::size_t i = 0; i < up.size(); ++i) {
            decoder[i].backward(p, joined[i], e, decoded[i]);
            concatenate_backward(p, doubled[i], encoded[i], joined[i]);
            up[i].backward(p, decoded[i + 1], doubled[i]);
        }

        token_norm->backward(p, tokens.back(), decoded.back());
        for (std::size_t i = attention.size(); i-- > 0;) attention[i].backward(p, tokens[i], tokens[i + 1]);
        const auto d_encoded = p.contribution(encoded.back());
        copy(p.stream, p.gradient(tokens[0]), d_encoded.to, d_encoded.write);

        for (std::size_t i = down.size(); i-- > 0;) {
            encoder[i + 1].backward(p, halved[i], e, encoded[i + 1]);
            down[i].backward(p, encoded[i], halved[i]);
        }
        encoder[0].backward(p, stemmed, e, encoded[0]);
        stem->backward(p, signal, stemmed);
        embedding->backward(p, statics, e);
    }

  private:
    Pointer::Outputs pointed() const {
        return {named.score, named.map, named.outputs[Component::peak_latency], reading};
    }
};

}  // namespace abr
