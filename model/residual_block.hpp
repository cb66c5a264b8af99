// conv -> GroupNorm -> FiLM -> GELU -> dropout -> conv -> GroupNorm -> FiLM; + skip (1x1 where the channels
// differ); GELU.
#pragma once

#include <optional>

#include "model/layers.hpp"

namespace abr {

// GroupNorm, FiLM by a linear map of the embedding, and what is fused behind them.
class FilmNorm {
  public:
    FilmNorm(Builder& b, const std::string& norm, const std::string& film, const GroupNorm& shape,
             Index embedding, bool with_dropout, ParameterGroup group)
        : d_film_(b.scratch_matrix(2 * shape.channels)),
          shape_(shape),
          weight_(b.layout.norm_weight(norm + ".weight", shape.channels, group)),
          bias_(b.layout.bias(norm + ".bias", shape.channels, group)),
          film_weight_(b.layout.film(film + ".weight", {embedding, 2 * shape.channels}, group)),
          film_bias_(b.layout.film(film + ".bias", {2 * shape.channels}, group)),
          film_(b.keep_matrix(2 * shape.channels)),
          mean_(b.plan.keep(b.max_batch * shape.groups)),
          rstd_(b.plan.keep(b.max_batch * shape.groups)) {
        if (with_dropout) dropout_layer_ = b.dropout_layers++;
        b.need_workspace(group_norm_workspace(shape, b.max_batch));
        b.need_workspace(linear_workspace(embedding, 2 * shape.channels, b.max_batch));
    }

    // residual.data may be null.
    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Matrix<const T> embedding,
                 Sequence<const T> residual, Sequence<T> y) const {
        linear_forward<T>(p.stream, embedding, p.parameter(film_weight_), p.parameter(film_bias_),
                          p.at(film_), p.workspace);
        group_norm_forward<T>(p.stream, shape_,
                              {.x = x,
                               .weight = p.parameter(weight_),
                               .bias = p.parameter(bias_),
                               .film = p.at(film_).data,
                               .residual = residual,
                               .dropout = dropout(p),
                               .y = y,
                               .mean = p.at(mean_),
                               .rstd = p.at(rstd_)});
    }

    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<const T> dy, Sequence<const T> x, Matrix<const T> embedding,
                  Sequence<const T> residual, Sequence<T> dx, Sequence<T> d_residual, Matrix<T> d_embedding,
                  Write write) const {
        const Matrix<T> d_film = p.at(d_film_);
        group_norm_backward<T>(p.stream, shape_,
                               {.dy = dy,
                                .x = x,
                                .weight = p.parameter(weight_),
                                .bias = p.parameter(bias_),
                                .film = p.at(film_).data,
                                .residual = residual,
                                .dropout = dropout(p),
                                .mean = p.at(mean_),
                                .rstd = p.at(rstd_),
                                .dx = dx,
                                .dresidual = d_residual,
                                .dfilm = d_film.data,
                                .dweight = p.gradient(weight_),
                                .dbias = p.gradient(bias_),
                                .workspace = p.workspace});
        linear_backward_weight<T>(p.stream, embedding, d_film, p.gradient(film_weight_),
                                  p.gradient(film_bias_), p.workspace);
        linear_backward_data<T>(p.stream, d_film, p.parameter(film_weight_), d_embedding, write, p.workspace);
    }

  private:
    template <class S, class T>
    Dropout dropout(const Pass<S, T>& p) const {
        return dropout_layer_ ? p.dropout_of(*dropout_layer_) : Dropout{};
    }

    MatrixSlot d_film_;
    GroupNorm shape_;
    Index weight_, bias_, film_weight_, film_bias_;
    std::optional<std::uint32_t> dropout_layer_;
    MatrixSlot film_;
    Slot mean_, rstd_;
};

class ResidualBlock {
  public:
    struct Shape {
        Index in_channels, out_channels, length, pad, kernel, groups, embedding;
    };

    ResidualBlock(Builder& b, const std::string& name, const Shape& s, ParameterGroup group)
        : d_h_(b.scratch_sequence(s.length, s.out_channels, 0)),
          d_c_(b.scratch_sequence(s.length, s.out_channels, s.pad)),
          d_skip_(s.in_channels == s.out_channels ? SequenceSlot{}
                                                  : b.scratch_sequence(s.length, s.out_channels, 0)),
          conv1_(b, name + ".conv1", same(s.in_channels, s.out_channels, s.kernel), s.length, group),
          norm1_(b, name + ".norm1", name + ".film1", {s.out_channels, s.groups, true}, s.embedding, true,
                 group),
          conv2_(b, name + ".conv2", same(s.out_channels, s.out_channels, s.kernel), s.length, group),
          norm2_(b, name + ".norm2", name + ".film2", {s.out_channels, s.groups, true}, s.embedding, false,
                 group),
          c1_(b.keep_sequence(s.length, s.out_channels, 0)),
          h_(b.keep_sequence(s.length, s.out_channels, s.pad)),
          c2_(b.keep_sequence(s.length, s.out_channels, 0)) {
        if (s.in_channels == s.out_channels) return;
        skip_.emplace(b, name + ".skip", same(s.in_channels, s.out_channels, 1), s.length, group);
        skip_out_ = b.keep_sequence(s.length, s.out_channels, 0);
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Matrix<const T> embedding, Sequence<T> y) const {
        conv1_.forward<S, T>(p, x, p.at(c1_));
        norm1_.forward<S, T>(p, p.at(c1_), embedding, {}, p.at(h_));
        conv2_.forward<S, T>(p, p.at(h_), p.at(c2_));
        if (skip_) skip_->forward<S, T>(p, x, p.at(skip_out_));
        norm2_.forward<S, T>(p, p.at(c2_), embedding, residual(p, x), y);
    }

    // d_embedding: `write` holds for the first contribution, the others accumulate.
    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<const T> dy, Sequence<const T> x, Matrix<const T> embedding,
                  Sequence<T> dx, Matrix<T> d_embedding, Write write) const {
        const Sequence<T> d_c = p.at(d_c_);
        const Sequence<T> d_h = p.at(d_h_);
        // An identity skip's gradient goes straight to dx, where the first convolution's adds to it.
        const Sequence<T> d_residual = skip_ ? p.at(d_skip_) : dx;
        norm2_.backward<S, T>(p, dy, p.at(c2_), embedding, residual(p, x), d_c, d_residual, d_embedding,
                              write);
        conv2_.backward_parameters<S, T>(p, p.at(h_), d_c);
        conv2_.backward_data<S, T>(p, d_c, d_h, Write::overwrite);
        norm1_.backward<S, T>(p, d_h, p.at(c1_), embedding, {}, d_c, {}, d_embedding, Write::accumulate);
        conv1_.backward_parameters<S, T>(p, x, d_c);
        conv1_.backward_data<S, T>(p, d_c, dx, skip_ ? Write::overwrite : Write::accumulate);
        if (!skip_) return;
        skip_->backward_parameters<S, T>(p, x, d_residual);
        skip_->backward_data<S, T>(p, d_residual, dx, Write::accumulate);
    }

  private:
    static Conv1d same(Index in, Index out, Index kernel) {
        return {.in_channels = in, .out_channels = out, .kernel = kernel, .padding = kernel / 2};
    }
    template <class S, class T>
    Sequence<const T> residual(const Pass<S, T>& p, Sequence<const T> x) const {
        return skip_ ? Sequence<const T>(p.at(skip_out_)) : x;
    }

    SequenceSlot d_h_, d_c_, d_skip_;
    ConvLayer conv1_;
    FilmNorm norm1_;
    ConvLayer conv2_;
    FilmNorm norm2_;
    std::optional<ConvLayer> skip_;
    SequenceSlot c1_, h_, c2_, skip_out_;
};

}  // namespace abr
