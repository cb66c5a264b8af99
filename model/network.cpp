#include "model/network.hpp"

#include <algorithm>
#include <string>

#include "kernels/cpu/stream.hpp"
#include "model/network_parts.hpp"
#include "model/network_passes.hpp"

namespace abr {
namespace {

// Between two levels.
Conv1d halving(Index channels) {
    return {.in_channels = channels, .out_channels = channels, .kernel = 4, .stride = 2, .padding = 1};
}
ConvTranspose1d doubling(Index in_channels, Index out_channels) {
    return {.in_channels = in_channels, .out_channels = out_channels, .kernel = 4, .stride = 2, .padding = 1};
}

Stem::Shape stem_shape(const NetworkShape& s) {
    return {.channels = s.base_channels,
            .length = s.padded_length(),
            .groups = s.groups,
            .kernels = s.stem_kernels,
            .dilations = s.stem_dilations};
}

}  // namespace

bool same_network(const NetworkShape& a, const NetworkShape& b) {
    bool same = a.length == b.length && a.static_inputs == b.static_inputs && a.classes == b.classes &&
                a.built == b.built;
    for_each_network_setting([&](const auto& setting) {
        same = same && (setting.training_only || a.*setting.member == b.*setting.member);
    });
    return same;
}

Network::Parts::Parts(Builder& b, const NetworkShape& s, Index input_pad) {
    const Index levels = s.levels, last = levels - 1, low = s.channels(last);
    // Enough zero rows for every convolution of the body: k samples "same", and k = 4, stride 2, both ways.
    const Index pad =
        std::max<Index>({s.kernel / 2, conv1d_pad(halving(1)), conv_transpose1d_pad(doubling(1, 1))});
    const auto length = [&](Index level) { return s.padded_length() >> level; };
    const auto at_level = [&](Index level, Index channels) {
        return TensorShape{.length = length(level), .channels = channels, .pad = pad, .gradient_pad = pad};
    };
    const auto block = [&](Index in, Index level) {
        return ResidualBlock::Shape{.in_channels = in,
                                    .out_channels = s.channels(level),
                                    .length = length(level),
                                    .pad = pad,
                                    .kernel = s.kernel,
                                    .groups = s.groups,
                                    .embedding = s.embed_dim};
    };
    const bool any_task = std::ranges::any_of(kTaskHeads, [&](Component c) { return s.built[c]; });
    const Index pooled = low + s.base_channels;
    const Index features = pooled + (s.has_pointer() ? s.base_channels : 0) + s.embed_dim;

    signal = b.input(Memory::signal, {.length = length(0), .channels = 1, .pad = input_pad});
    statics = b.input(Memory::statics, {.channels = s.static_inputs});
    named.embedding = b.tensor({.channels = s.embed_dim});
    stemmed = b.tensor(at_level(0, s.base_channels));
    for (Index i = 0; i < levels; ++i) encoded.push_back(b.tensor(at_level(i, s.channels(i))));
    for (Index i = 0; i < last; ++i) halved.push_back(b.tensor(at_level(i + 1, s.channels(i))));
    tokens.push_back(b.tensor({.length = length(last), .channels = low}));
    for (Index i = 0; i < s.attention_layers; ++i)
        tokens.push_back(summand_of(b.summand(tokens[0].shape), tokens[0]));
    for (Index i = 0; i < levels; ++i) decoded.push_back(b.tensor(at_level(i, s.channels(i))));
    for (Index i = 0; i < last; ++i) {
        doubled.push_back(b.tensor(at_level(i, s.channels(i)), decoded[static_cast<std::size_t>(i)]));
        joined.push_back(b.tensor(at_level(i, 2 * s.channels(i))));
    }
    if (s.built[Component::signal])
        named.outputs[Component::signal] = b.tensor({.length = length(0), .channels = 1});
    if (any_task) {
        pooled_low = b.tensor({.channels = low});
        pooled_high = b.tensor({.channels = s.base_channels});
        pools = b.tensor({.channels = pooled});
        if (s.has_pointer()) {
            named.score = b.tensor({.length = length(0), .channels = 1});
            named.map = b.without_gradient({.channels = s.length});
            reading = b.tensor({.channels = s.base_channels});
            pools_and_reading = b.tensor({.channels = pooled + s.base_channels});
        }
        pools_and_embedding = b.tensor({.channels = features});
        named.features = b.tensor({.channels = features});
        for (const auto c : kTaskHeads)
            if (s.built[c]) named.outputs[c] = b.tensor({.channels = s.outputs(c)});
    }

    embedding.emplace(b.part<StaticEmbedding>("embedding", s.static_inputs, s.embed_dim));
    stem.emplace(b.part<Stem>("stem", stem_shape(s)));
    for (Index i = 0; i < levels; ++i) {
        const std::string name = "encoder." + std::to_string(i);
        encoder.push_back(b.part<BlockRow>(name, block(s.channels(std::max<Index>(i - 1, 0)), i),
                                           s.blocks_per_level, ParameterGroup::encoder));
        if (i < last)
            down.push_back(b.part<ConvLayer>(name + ".down", halving(s.channels(i)), length(i),
                                             ParameterGroup::encoder));
    }
    for (Index i = 0; i < s.attention_layers; ++i)
        attention.push_back(b.part<AttentionBlock>(
            "bottleneck." + std::to_string(i),
            AttentionBlock::Shape{
                .channels = low, .heads = s.heads, .length = length(last), .feed_forward = s.feed_forward}));
    token_norm.emplace(b, "bottleneck.norm", LayerNormLayer::Shape{low, length(last)},
                       ParameterGroup::encoder);
    for (Index i = 0; i < last; ++i) {
        const std::string name = "decoder." + std::to_string(i);
        up.push_back(b.part<UpsampleLayer>(name + ".up", doubling(s.channels(i + 1), s.channels(i)),
                                           length(i + 1), ParameterGroup::decoder));
        decoder.push_back(
            b.part<BlockRow>(name, block(2 * s.channels(i), i), s.blocks_per_level, ParameterGroup::decoder));
    }

    if (s.built[Component::signal])
        signal_head.emplace(b, "signal_head", Conv1d{.in_channels = s.base_channels}, length(0),
                            ParameterGroup::decoder);
    if (!any_task) return;
    pool_low.emplace(b, "pool_low", low, length(last), ParameterGroup::heads);
    pool_high.emplace(b, "pool_high", s.base_channels, length(0), ParameterGroup::heads);
    if (s.has_pointer())
        pointer.emplace(b.part<Pointer>("heads.pointer",
                                        Pointer::Shape{.channels = s.base_channels,
                                                       .length = length(0),
                                                       .pad = pad,
                                                       .kernel = s.kernel,
                                                       .groups = s.groups,
                                                       .embedding = s.embed_dim,
                                                       .places = s.places()},
                                        ParameterGroup::heads));
    feature_norm.emplace(b, "heads.norm", LayerNormLayer::Shape{features}, ParameterGroup::heads);
    for (const auto c : kTaskHeads) {
        if (!s.built[c] || (c == Component::peak_latency && s.has_pointer())) continue;
        const std::string name = "heads." + std::string(task_of(c).name);
        const Perceptron::Shape shape{
            .in = features, .hidden = s.head_hidden, .out = s.outputs(c), .dropout = true};
        heads[c].emplace(b.part<Perceptron>(name, shape, ParameterGroup::heads));
    }
}

Network::Network(const NetworkShape& shape, Index max_batch)
    : shape_(shape), input_pad_(Stem::input_pad(stem_shape(shape))) {
    Builder builder(layout_, plan_, statistics_, max_batch);
    parts_ = std::make_unique<const Parts>(builder, shape_, input_pad_);
    workspace_ = builder.workspace();
    gradients_ = builder.gradients();
}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;

const NetworkTensors& Network::tensors() const {
    return parts_->named;
}

#define ABR_INSTANTIATE(P)                                                \
    template Heads<P::Storage> Network::outputs(const P&) const;          \
    template Heads<P::Storage> Network::output_gradients(const P&) const; \
    template void Network::forward(const P&) const;                       \
    template void Network::backward(const P&) const;
using Fp32Pass = Pass<cpu::Stream, Fp32>;
using Fp64Pass = Pass<cpu::Stream, Fp64>;
ABR_INSTANTIATE(Fp32Pass)
ABR_INSTANTIATE(Fp64Pass)
#undef ABR_INSTANTIATE

}  // namespace abr
