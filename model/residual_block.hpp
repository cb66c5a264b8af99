// conv -> GroupNorm -> FiLM -> GELU -> dropout -> conv -> GroupNorm -> FiLM; + skip (1x1 where the channels
// differ); GELU.
#pragma once

#include <optional>

#include "model/layers.hpp"

namespace abr {

// GroupNorm with GELU, FiLM by a linear map of the embedding, and what else is fused.
class FilmNorm {
  public:
    struct Shape {
        std::string norm, film;  // names of their parameters
        Index channels, groups, embedding;
        bool dropout = false;
    };

    FilmNorm(Builder& b, const Shape& s, ParameterGroup group)
        : norm_(b, s.norm, {.channels = s.channels, .groups = s.groups, .gelu = true}, group),
          map_(b, {.in = s.embedding, .out = 2 * s.channels},
               {.weight = b.layout.film(s.film + ".weight", {s.embedding, 2 * s.channels}, group),
                .bias = b.layout.film(s.film + ".bias", {2 * s.channels}, group)}),
          film_(b.tensor({.channels = 2 * s.channels})) {
        if (s.dropout) dropout_layer_ = b.dropout_layer();
    }

    // A residual that is not built is none.
    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& embedding, const Tensor& residual,
                 const Tensor& y) const {
        map_.forward(p, embedding, film_);
        norm_.forward(p, x, y, fused(p, residual));
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& embedding, const Tensor& residual,
                  const Tensor& y) const {
        norm_.backward(p, x, y, fused(p, residual));
        map_.backward(p, embedding, film_);
    }

  private:
    template <class P>
    GroupNormFusion fused(const P& p, const Tensor& residual) const {
        return {.film = film_,
                .residual = residual,
                .dropout = dropout_layer_ ? p.dropout_of(*dropout_layer_) : Dropout{}};
    }

    GroupNormLayer norm_;
    LinearLayer map_;
    Tensor film_;
    std::optional<std::uint32_t> dropout_layer_;
};

class ResidualBlock {
  public:
    struct Shape {
        Index in_channels, out_channels, length, pad, kernel, groups, embedding;
    };

    ResidualBlock(Builder& b, const std::string& name, const Shape& s, ParameterGroup group)
        : c1_(b.tensor({.length = s.length, .channels = s.out_channels, .gradient_pad = s.pad})),
          h_(b.tensor({.length = s.length, .channels = s.out_channels, .pad = s.pad})),
          c2_(b.tensor(c1_.shape, c1_)),
          conv1_(b, name + ".conv1", same(s.in_channels, s.out_channels, s.kernel), s.length, group),
          norm1_(b, film_norm(name, "1", s), group),
          conv2_(b, name + ".conv2", same(s.out_channels, s.out_channels, s.kernel), s.length, group),
          norm2_(b, film_norm(name, "2", s), group) {
        if (s.in_channels == s.out_channels) return;
        skip_.emplace(b, name + ".skip", same(s.in_channels, s.out_channels, 1), s.length, group);
        skipped_ = b.tensor({.length = s.length, .channels = s.out_channels});
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& embedding, const Tensor& y) const {
        conv1_.forward(p, x, c1_);
        norm1_.forward(p, c1_, embedding, {}, h_);
        conv2_.forward(p, h_, c2_);
        if (skip_) skip_->forward(p, x, skipped_);
        norm2_.forward(p, c2_, embedding, skip_ ? skipped_ : x, y);
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& embedding, const Tensor& y) const {
        norm2_.backward(p, c2_, embedding, skip_ ? skipped_ : x, y);
        conv2_.backward(p, h_, c2_);
        norm1_.backward(p, c1_, embedding, {}, h_);
        conv1_.backward(p, x, c1_);
        if (skip_) skip_->backward(p, x, skipped_);
    }

  private:
    static Conv1d same(Index in, Index out, Index kernel) {
        return {.in_channels = in, .out_channels = out, .kernel = kernel, .padding = kernel / 2};
    }
    // Dropout stands behind the first norm.
    static FilmNorm::Shape film_norm(const std::string& name, const std::string& number, const Shape& s) {
        return {.norm = name + ".norm" + number,
                .film = name + ".film" + number,
                .channels = s.out_channels,
                .groups = s.groups,
                .embedding = s.embedding,
                .dropout = number == "1"};
    }

    Tensor c1_, h_, c2_, skipped_;
    ConvLayer conv1_;
    FilmNorm norm1_;
    ConvLayer conv2_;
    FilmNorm norm2_;
    std::optional<ConvLayer> skip_;
};

}  // namespace abr
