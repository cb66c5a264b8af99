// Forward and backward pass of a network, for any backend. Included where a backend's are instantiated.
#pragma once

#include "kernels/attention.hpp"
#include "kernels/sequence_ops.hpp"
#include "model/network_parts.hpp"

namespace abr {

template <class S, class T>
Heads<T> heads_at(const Pass<S, T>& p, const PerComponent<bool>& built, const SequenceSlot& signal,
                  const PerComponent<MatrixSlot>& slots) {
    Heads<T> heads;
    for (const Component c : kAllComponents) {
        if (!built[c]) continue;
        if (task_of(c).kind == TaskKind::signal)
            heads.signal = p.at(signal);
        else
            heads.answer[c] = p.at(slots[c]);
    }
    return heads;
}

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

}  // namespace abr
