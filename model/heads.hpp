// What turns features into answers, and static inputs into the embedding: attention pooling, task heads.
#pragma once

#include <optional>

#include "kernels/activation.hpp"
#include "kernels/attention_pool.hpp"
#include "model/layers.hpp"

namespace abr {

// Linear, GELU, dropout, Linear.
class Perceptron {
  public:
    struct Shape {
        Index in, hidden, out;
        bool dropout = false;
    };

    Perceptron(Builder& b, const std::string& name, const Shape& s, ParameterGroup group)
        : hidden_(b.tensor({.channels = s.hidden})),
          active_(b.tensor(hidden_.shape, hidden_)),
          first_(b, name + ".first", {s.in, s.hidden}, group),
          second_(b, name + ".second", {s.hidden, s.out}, group) {
        if (s.dropout) dropout_layer_ = b.dropout_layer();
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        first_.forward(p, x, hidden_);
        gelu_forward(p.stream, as_matrix(p.value(hidden_)), dropout(p), 1, as_matrix(p.output(active_)));
        second_.forward(p, active_, y);
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        second_.backward(p, active_, y);
        gelu_backward(p.stream, as_matrix(p.gradient(active_)), as_matrix(p.value(hidden_)), dropout(p), 1,
                      as_matrix(p.first_contribution(hidden_)));
        first_.backward(p, x, hidden_);
    }

  private:
    template <class P>
    Dropout dropout(const P& p) const {
        return dropout_layer_ ? p.dropout_of(*dropout_layer_) : Dropout{};
    }

    Tensor hidden_, active_;
    LinearLayer first_, second_;
    std::optional<std::uint32_t> dropout_layer_;
};

// Static inputs -> embedding: Linear, GELU, Linear, LayerNorm.
class StaticEmbedding {
  public:
    StaticEmbedding(Builder& b, const std::string& name, Index inputs, Index width)
        : out_(b.tensor({.channels = width})),
          map_(b, name, {.in = inputs, .hidden = width, .out = width}, ParameterGroup::encoder),
          norm_(b, name + ".norm", {width}, ParameterGroup::encoder) {}

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        map_.forward(p, x, out_);
        norm_.forward(p, out_, y);
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        norm_.backward(p, out_, y);
        map_.backward(p, x, out_);
    }

  private:
    Tensor out_;
    Perceptron map_;
    LayerNormLayer norm_;
};

// Attention pooling with half as many hidden units as channels.
class PoolLayer {
  public:
    PoolLayer(Builder& b, const std::string& name, Index channels, Index length, ParameterGroup group)
        : op_{.channels = channels, .hidden = channels / 2},
          weight_(b.layout.weight(name + ".weight", {channels, op_.hidden}, channels, group)),
          bias_(b.layout.bias(name + ".bias", op_.hidden, group)),
          score_(b.layout.weight(name + ".score", {op_.hidden}, op_.hidden, group)),
          h_(b.keep(length * op_.hidden)),
          a_(b.keep(length)) {
        b.need_workspace(attention_pool_workspace(op_, b.max_batch, length));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        attention_pool_forward(p.stream, op_,
                               AttentionPoolForward<typename P::Storage>{.x = p.value(x),
                                                                         .weight = p.parameter(weight_),
                                                                         .bias = p.parameter(bias_),
                                                                         .score = p.parameter(score_),
                                                                         .h = p.at(h_),
                                                                         .a = p.at(a_),
                                                                         .y = as_matrix(p.output(y)),
                                                                         .workspace = p.workspace});
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        const auto dx = p.contribution(x);
        attention_pool_backward(p.stream, op_,
                                AttentionPoolBackward<typename P::Storage>{.dy = as_matrix(p.gradient(y)),
                                                                           .x = p.value(x),
                                                                           .weight = p.parameter(weight_),
                                                                           .score = p.parameter(score_),
                                                                           .h = p.at(h_),
                                                                           .a = p.at(a_),
                                                                           .dx = dx.to,
                                                                           .write = dx.write,
                                                                           .dweight = p.gradient(weight_),
                                                                           .dbias = p.gradient(bias_),
                                                                           .dscore = p.gradient(score_),
                                                                           .workspace = p.workspace});
    }

  private:
    AttentionPool op_;
    Index weight_, bias_, score_;
    Slot h_, a_;
};

}  // namespace abr
