#include "model/network.hpp"

#include "kernels/cpu/stream.hpp"
#include "model/network_parts.hpp"
#include "model/network_passes.hpp"

namespace abr {

Network::Parts::Parts(Builder& b, const NetworkShape& s, Index pad) {
    const Index levels = s.levels;
    const auto length = [&](Index level) { return s.padded_length() >> level; };
    const bool any_task = [&] {
        for (const auto c : kTaskHeads)
            if (s.built[c]) return true;
        return false;
    }();
    const Index low = s.channels(levels - 1);
    const Index joined_width = low + s.base_channels + s.embed_dim;

    d_embedding = b.scratch_matrix(s.embed_dim);
    for (Index i = 0; i < levels; ++i) d_level.push_back(b.scratch_sequence(length(i), s.channels(i), pad));
    for (Index i = 0; i + 1 < levels; ++i) {
        d_decoded.push_back(b.scratch_sequence(length(i), s.channels(i), pad));
        d_concat.push_back(b.scratch_sequence(length(i), 2 * s.channels(i), pad));
        d_down.push_back(b.scratch_sequence(length(i + 1), s.channels(i), pad));
    }
    d_stem = b.scratch_sequence(length(0), s.base_channels, pad);
    d_normed = b.scratch_sequence(length(levels - 1), low, pad);
    d_tokens = b.scratch_sequence(length(levels - 1), low, 0);
    if (any_task) {
        d_features = b.scratch_matrix(joined_width);
        d_joined = b.scratch_matrix(joined_width);
        d_pools = b.scratch_matrix(low + s.base_channels);
        d_pool_low = b.scratch_matrix(low);
        d_pool_high = b.scratch_matrix(s.base_channels);
    }

    const auto in_frame = [&](const auto& construct) {
        const ScratchFrame frame(b.plan);
        construct();
    };
    embedding_out = b.keep_matrix(s.embed_dim);
    in_frame([&] { embedding.emplace(b, "embedding", s.static_inputs, s.embed_dim); });

    const Stem::Shape stem_shape{s.base_channels, length(0), s.groups, s.stem_kernels, s.stem_dilations};
    stem_out = b.keep_sequence(length(0), s.base_channels, pad);
    in_frame([&] { stem.emplace(b, "stem", stem_shape); });

    for (Index i = 0; i < levels; ++i) {
        const std::string name = "encoder." + std::to_string(i);
        const Index in = s.channels(std::max<Index>(i - 1, 0));
        in_frame([&] {
            encoder.emplace_back(
                b, name,
                ResidualBlock::Shape{in, s.channels(i), length(i), pad, s.kernel, s.groups, s.embed_dim},
                s.blocks_per_level, ParameterGroup::encoder);
        });
        if (i + 1 == levels) break;
        const Index c = s.channels(i);
        down.emplace_back(b, name + ".down", Conv1d{c, c, 4, 2, 1, 1}, length(i), ParameterGroup::encoder);
        down_out.push_back(b.keep_sequence(length(i + 1), c, pad));
    }

    for (Index i = 0; i <= s.attention_layers; ++i)
        tokens.push_back(b.keep_sequence(length(levels - 1), low, 0));
    for (Index i = 0; i < s.attention_layers; ++i) {
        in_frame([&] {
            attention.emplace_back(b, "bottleneck." + std::to_string(i),
                                   AttentionBlock::Shape{low, s.heads, length(levels - 1), s.feed_forward});
        });
    }
    token_norm.emplace(b, "bottleneck.norm", low, length(levels - 1), ParameterGroup::encoder);
    normed = b.keep_sequence(length(levels - 1), low, pad);

    for (Index i = 0; i + 1 < levels; ++i) {
        const std::string name = "decoder." + std::to_string(i);
        const Index c = s.channels(i);
        up.emplace_back(b, name + ".up", ConvTranspose1d{2 * c, c, 4, 2, 1}, length(i + 1),
                        ParameterGroup::decoder);
        up_out.push_back(b.keep_sequence(length(i), c, pad));
        concat.push_back(b.keep_sequence(length(i), 2 * c, pad));
        in_frame([&] {
            decoder.emplace_back(
                b, name, ResidualBlock::Shape{2 * c, c, length(i), pad, s.kernel, s.groups, s.embed_dim},
                s.blocks_per_level, ParameterGroup::decoder);
        });
    }

    if (s.built[Component::signal]) {
        signal_head.emplace(b, "signal_head", Conv1d{.in_channels = s.base_channels}, length(0),
                            ParameterGroup::decoder);
        restored = b.keep_sequence(length(0), 1, 0);
        d_restored = b.keep_sequence(length(0), 1, 0);
    }
    if (!any_task) return;
    in_frame([&] { pool_low.emplace(b, "pool_low", low, length(levels - 1), ParameterGroup::heads); });
    in_frame([&] { pool_high.emplace(b, "pool_high", s.base_channels, length(0), ParameterGroup::heads); });
    pooled_low = b.keep_matrix(low);
    pooled_high = b.keep_matrix(s.base_channels);
    pools = b.keep_matrix(low + s.base_channels);
    joined = b.keep_matrix(joined_width);
    feature_norm.emplace(b, "heads.norm", joined_width, 1, ParameterGroup::heads);
    features = b.keep_matrix(joined_width);
    for (const auto c : kTaskHeads) {
        if (!s.built[c]) continue;
        const Index out = s.outputs(c);
        head_out[c] = b.keep_matrix(out);
        d_heads[c] = b.keep_matrix(out);
        const std::string name = "heads." + std::string(kComponentNames[static_cast<std::size_t>(c)]);
        in_frame([&] { heads[c].emplace(b, name, joined_width, s.head_hidden, out); });
    }
}

Network::Network(const NetworkShape& shape, Index max_batch) : shape_(shape) {
    // Enough zero rows for every convolution of the body: k samples "same", and k = 4, stride 2, both ways.
    const Index pad = std::max<Index>(
        {shape.kernel / 2, conv1d_pad({1, 1, 4, 2, 1, 1}), conv_transpose1d_pad({1, 1, 4, 2, 1})});
    Builder builder{layout_, plan_, max_batch};
    const ScratchFrame frame(plan_);
    parts_ = std::make_unique<const Parts>(builder, shape_, pad);
    workspace_ = builder.workspace;
    input_pad_ = Stem::input_pad(
        {shape.base_channels, shape.padded_length(), shape.groups, shape.stem_kernels, shape.stem_dilations});
}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;

#define ABR_INSTANTIATE(S, T)                                                                    \
    template Heads<T> Network::outputs(const Pass<S, T>&) const;                                 \
    template Heads<T> Network::output_gradients(const Pass<S, T>&) const;                        \
    template void Network::forward(const Pass<S, T>&, Sequence<const T>, Matrix<const T>) const; \
    template void Network::backward(const Pass<S, T>&, Sequence<const T>, Matrix<const T>) const;
ABR_INSTANTIATE(cpu::Stream, float)
ABR_INSTANTIATE(cpu::Stream, double)
#undef ABR_INSTANTIATE

}  // namespace abr
