#include "model/network.hpp"

#include <deque>
#include <optional>

#include "kernels/attention.hpp"
#include "kernels/sequence_ops.hpp"
#include "model/attention_block.hpp"
#include "model/heads.hpp"
#include "model/residual_block.hpp"
#include "model/stem.hpp"

namespace abr {
namespace {

// Residual blocks in a row at one resolution.
class BlockRow {
  public:
    BlockRow(Builder& b, const std::string& name, ResidualBlock::Shape shape, Index count,
             ParameterGroup group)
        : d_between_(b.scratch_sequence(shape.length, shape.out_channels, shape.pad)) {
        for (Index i = 0; i < count; ++i) {
            outputs_.push_back(b.keep_sequence(shape.length, shape.out_channels, shape.pad));
            const ScratchFrame frame(b.plan);
            blocks_.emplace_back(b, name + ".block" + std::to_string(i), shape, group);
            shape.in_channels = shape.out_channels;
        }
    }

    const SequenceSlot& output() const { return outputs_.back(); }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Matrix<const T> embedding) const {
        for (std::size_t i = 0; i < blocks_.size(); ++i) {
            blocks_[i].forward<S, T>(p, i == 0 ? x : Sequence<const T>(p.at(outputs_[i - 1])), embedding,
                                     p.at(outputs_[i]));
        }
    }

    // Destroys dy: between blocks, gradients alternate between it and a buffer of the row's own.
    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<T> dy, Sequence<const T> x, Matrix<const T> embedding,
                  Sequence<T> dx, Matrix<T> d_embedding, Write write) const {
        Sequence<T> d = dy;
        Sequence<T> other = p.at(d_between_);
        for (std::size_t i = blocks_.size(); i-- > 0;) {
            blocks_[i].backward<S, T>(p, d, i == 0 ? x : Sequence<const T>(p.at(outputs_[i - 1])), embedding,
                                      i == 0 ? dx : other, d_embedding, write);
            std::swap(d, other);
            write = Write::accumulate;
        }
    }

  private:
    SequenceSlot d_between_;
    std::deque<ResidualBlock> blocks_;
    std::vector<SequenceSlot> outputs_;
};

constexpr std::array kTaskHeads = {Component::classification, Component::peak_exist, Component::peak_latency,
                                   Component::peak_amplitude, Component::threshold};

}  // namespace

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
        const Index out = c == Component::classification ? s.classes : 1;
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

namespace {

template <class S, class T>
Heads<T> heads_at(const Pass<S, T>& p, const PerComponent<bool>& built, const SequenceSlot& signal,
                  const PerComponent<MatrixSlot>& slots) {
    const auto scalar = [&](Component c) { return built[c] ? p.at(slots[c]).data : nullptr; };
    Heads<T> heads;
    if (built[Component::signal]) heads.signal = p.at(signal);
    if (built[Component::classification]) heads.logits = p.at(slots[Component::classification]);
    heads.exist = scalar(Component::peak_exist);
    heads.latency = scalar(Component::peak_latency);
    heads.amplitude = scalar(Component::peak_amplitude);
    heads.threshold = scalar(Component::threshold);
    return heads;
}

}  // namespace

template <class S, class T>
Heads<T> Network::outputs(const Pass<S, T>& p) const {
    return heads_at(p, shape_.built, parts_->restored, parts_->head_out);
}

template <class S, class T>
Heads<T> Network::output_gradients(const Pass<S, T>& p) const {
    return heads_at(p, shape_.built, parts_->d_restored, parts_->d_heads);
}

template <class S, class T>
void Network::forward(const Pass<S, T>& p, Sequence<const T> signal, Matrix<const T> statics) const {
    const Parts& n = *parts_;
    const Matrix<T> embedding = p.at(n.embedding_out);
    n.embedding->forward<S, T>(p, statics, embedding);

    n.stem->forward<S, T>(p, signal, p.at(n.stem_out));
    n.encoder[0].forward<S, T>(p, p.at(n.stem_out), embedding);
    for (std::size_t i = 0; i < n.down.size(); ++i) {
        n.down[i].forward<S, T>(p, p.at(n.encoder[i].output()), p.at(n.down_out[i]));
        n.encoder[i + 1].forward<S, T>(p, p.at(n.down_out[i]), embedding);
    }

    add_positions<T>(p.stream, p.at(n.encoder.back().output()), p.at(n.tokens[0]));
    for (std::size_t i = 0; i < n.attention.size(); ++i)
        n.attention[i].forward<S, T>(p, p.at(n.tokens[i]), p.at(n.tokens[i + 1]));
    n.token_norm->forward<S, T>(p, p.at(n.tokens.back()), p.at(n.normed));

    for (Index level = n.last() - 1; level >= 0; --level) {
        const auto i = static_cast<std::size_t>(level);
        n.up[i].forward<S, T>(p, p.at(n.decoded(level + 1)), p.at(n.up_out[i]));
        concat_channels<T>(p.stream, p.at(n.up_out[i]), p.at(n.encoder[i].output()), p.at(n.concat[i]));
        n.decoder[i].forward<S, T>(p, p.at(n.concat[i]), embedding);
    }

    const Sequence<T> decoded = p.at(n.decoded(0));
    if (n.signal_head) n.signal_head->forward<S, T>(p, decoded, p.at(n.restored));
    if (!n.feature_norm) return;
    n.pool_low->forward<S, T>(p, p.at(n.normed), p.at(n.pooled_low));
    n.pool_high->forward<S, T>(p, decoded, p.at(n.pooled_high));
    concat_channels<T>(p.stream, as_rows(p.at(n.pooled_low)), as_rows(p.at(n.pooled_high)),
                       as_rows(p.at(n.pools)));
    concat_channels<T>(p.stream, as_rows(p.at(n.pools)), as_rows(embedding), as_rows(p.at(n.joined)));
    n.feature_norm->forward<S, T>(p, as_rows(p.at(n.joined)), as_rows(p.at(n.features)));
    for (const auto c : kTaskHeads)
        if (n.heads[c]) n.heads[c]->forward<S, T>(p, p.at(n.features), p.at(n.head_out[c]));
}

template <class S, class T>
void Network::backward(const Pass<S, T>& p, Sequence<const T> signal, Matrix<const T> statics) const {
    const Parts& n = *parts_;
    const Matrix<T> embedding = p.at(n.embedding_out);
    const Matrix<T> d_embedding = p.at(n.d_embedding);
    const Sequence<T> decoded = p.at(n.decoded(0));
    const auto d_decoded_at = [&](Index level) {
        return p.at(level == n.last() ? n.d_normed : n.d_decoded[static_cast<std::size_t>(level)]);
    };

    // A gradient's first contribution overwrites, whichever it is in this configuration.
    Write to_embedding = Write::overwrite;
    Write to_decoded = Write::overwrite;
    Write to_normed = Write::overwrite;
    if (n.signal_head) {
        n.signal_head->backward_parameters<S, T>(p, decoded, p.at(n.d_restored));
        n.signal_head->backward_data<S, T>(p, p.at(n.d_restored), d_decoded_at(0), to_decoded);
        to_decoded = Write::accumulate;
    }
    if (n.feature_norm) {
        Write to_features = Write::overwrite;
        for (const auto c : kTaskHeads) {
            if (!n.heads[c]) continue;
            n.heads[c]->backward<S, T>(p, p.at(n.d_heads[c]), p.at(n.features), p.at(n.d_features),
                                       to_features);
            to_features = Write::accumulate;
        }
        n.feature_norm->backward<S, T>(p, as_rows(p.at(n.d_features)), as_rows(p.at(n.joined)),
                                       as_rows(p.at(n.d_joined)), Write::overwrite);
        split_channels<T>(p.stream, as_rows(p.at(n.d_joined)), as_rows(p.at(n.d_pools)), Write::overwrite,
                          as_rows(d_embedding), Write::overwrite);
        split_channels<T>(p.stream, as_rows(p.at(n.d_pools)), as_rows(p.at(n.d_pool_low)), Write::overwrite,
                          as_rows(p.at(n.d_pool_high)), Write::overwrite);
        to_embedding = Write::accumulate;
        n.pool_high->backward<S, T>(p, p.at(n.d_pool_high), decoded, d_decoded_at(0), to_decoded);
        // With one level the decoder's output is the bottleneck's: both pools read the same sequence.
        if (n.last() == 0) to_normed = Write::accumulate;
        n.pool_low->backward<S, T>(p, p.at(n.d_pool_low), p.at(n.normed), p.at(n.d_normed), to_normed);
        to_normed = Write::accumulate;
    }

    for (Index level = 0; level < n.last(); ++level) {
        const auto i = static_cast<std::size_t>(level);
        const Sequence<T> d_concat = p.at(n.d_concat[i]);
        const Sequence<T> d_up = d_decoded_at(level);  // free once the blocks are done with it
        n.decoder[i].backward<S, T>(p, d_decoded_at(level), p.at(n.concat[i]), embedding, d_concat,
                                    d_embedding, to_embedding);
        to_embedding = Write::accumulate;
        split_channels<T>(p.stream, d_concat, d_up, Write::overwrite, p.at(n.d_level[i]), Write::overwrite);
        const bool into_normed = level + 1 == n.last();
        n.up[i].backward<S, T>(p, p.at(n.decoded(level + 1)), d_up, d_decoded_at(level + 1),
                               into_normed ? to_normed : Write::overwrite);
    }

    const Sequence<T> d_tokens = p.at(n.d_tokens);
    n.token_norm->backward<S, T>(p, p.at(n.d_normed), p.at(n.tokens.back()), d_tokens, Write::overwrite);
    for (std::size_t i = n.attention.size(); i-- > 0;)
        n.attention[i].backward<S, T>(p, p.at(n.tokens[i]), d_tokens);
    copy<T>(p.stream, d_tokens, p.at(n.d_level.back()), Write::overwrite);

    for (std::size_t i = n.encoder.size(); i-- > 0;) {
        const bool first = i == 0;
        const Sequence<T> x = p.at(first ? n.stem_out : n.down_out[i - 1]);
        const Sequence<T> dx = p.at(first ? n.d_stem : n.d_down[i - 1]);
        n.encoder[i].backward<S, T>(p, p.at(n.d_level[i]), x, embedding, dx, d_embedding, to_embedding);
        to_embedding = Write::accumulate;
        if (first) break;
        n.down[i - 1].backward_parameters<S, T>(p, p.at(n.encoder[i - 1].output()), dx);
        n.down[i - 1].backward_data<S, T>(p, dx, p.at(n.d_level[i - 1]), Write::accumulate);
    }
    n.stem->backward<S, T>(p, p.at(n.d_stem), signal);
    n.embedding->backward<S, T>(p, d_embedding, statics);
}

#define ABR_INSTANTIATE(S, T)                                                                    \
    template Heads<T> Network::outputs(const Pass<S, T>&) const;                                 \
    template Heads<T> Network::output_gradients(const Pass<S, T>&) const;                        \
    template void Network::forward(const Pass<S, T>&, Sequence<const T>, Matrix<const T>) const; \
    template void Network::backward(const Pass<S, T>&, Sequence<const T>, Matrix<const T>) const;
ABR_INSTANTIATE(cpu::Stream, float)
ABR_INSTANTIATE(cpu::Stream, double)
#undef ABR_INSTANTIATE

}  // namespace abr
