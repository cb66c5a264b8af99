// What turns features into answers, and static inputs into the embedding: attention pooling, task heads.
#pragma once

#include "kernels/activation.hpp"
#include "kernels/attention_pool.hpp"
#include "model/layers.hpp"

namespace abr {

// Static inputs -> embedding: Linear, GELU, Linear, LayerNorm.
class StaticEmbedding {
  public:
    StaticEmbedding(Builder& b, const std::string& name, Index inputs, Index width)
        : d_out_(b.scratch_matrix(width)),
          d_hidden_(b.scratch_matrix(width)),
          first_(b, name + ".first", inputs, width, 1, ParameterGroup::encoder),
          second_(b, name + ".second", width, width, 1, ParameterGroup::encoder),
          norm_(b, name + ".norm", width, 1, ParameterGroup::encoder),
          hidden_(b.keep_matrix(width)),
          active_(b.keep_matrix(width)),
          out_(b.keep_matrix(width)) {}

    template <class S, class T>
    void forward(const Pass<S, T>& p, Matrix<const T> x, Matrix<T> y) const {
        first_.forward<S, T>(p, x, p.at(hidden_));
        gelu_forward<T>(p.stream, p.at(hidden_), {}, 1, p.at(active_));
        second_.forward<S, T>(p, p.at(active_), p.at(out_));
        norm_.forward<S, T>(p, as_rows(p.at(out_)), as_rows(y));
    }

    template <class S, class T>
    void backward(const Pass<S, T>& p, Matrix<const T> dy, Matrix<const T> x) const {
        const Matrix<T> d_out = p.at(d_out_);
        const Matrix<T> d_hidden = p.at(d_hidden_);
        norm_.backward<S, T>(p, as_rows(dy), as_rows(p.at(out_)), as_rows(d_out), Write::overwrite);
        second_.backward_parameters<S, T>(p, p.at(active_), d_out);
        second_.backward_data<S, T>(p, d_out, d_hidden, Write::overwrite);
        gelu_backward<T>(p.stream, d_hidden, p.at(hidden_), {}, 1, d_hidden);
        first_.backward_parameters<S, T>(p, x, d_hidden);
    }

  private:
    MatrixSlot d_out_, d_hidden_;
    LinearLayer first_, second_;
    LayerNormLayer norm_;
    MatrixSlot hidden_, active_, out_;
};

// Attention pooling with half as many hidden units as channels.
class PoolLayer {
  public:
    PoolLayer(Builder& b, const std::string& name, Index channels, Index length, ParameterGroup group)
        : shape_{channels, channels / 2},
          weight_(b.layout.weight(name + ".weight", {channels, shape_.hidden}, channels, group)),
          bias_(b.layout.bias(name + ".bias", shape_.hidden, group)),
          score_(b.layout.weight(name + ".score", {shape_.hidden}, shape_.hidden, group)),
          h_(b.plan.keep(b.max_batch * length * shape_.hidden)),
          a_(b.plan.keep(b.max_batch * length)) {
        b.need_workspace(attention_pool_workspace(shape_, b.max_batch, length));
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Matrix<T> y) const {
        attention_pool_forward<T>(p.stream, shape_,
                                  {.x = x,
                                   .weight = p.parameter(weight_),
                                   .bias = p.parameter(bias_),
                                   .score = p.parameter(score_),
                                   .h = p.at(h_),
                                   .a = p.at(a_),
                                   .y = y,
                                   .workspace = p.workspace});
    }

    template <class S, class T>
    void backward(const Pass<S, T>& p, Matrix<const T> dy, Sequence<const T> x, Sequence<T> dx,
                  Write write) const {
        attention_pool_backward<T>(p.stream, shape_,
                                   {.dy = dy,
                                    .x = x,
                                    .weight = p.parameter(weight_),
                                    .score = p.parameter(score_),
                                    .h = p.at(h_),
                                    .a = p.at(a_),
                                    .dx = dx,
                                    .write = write,
                                    .dweight = p.gradient(weight_),
                                    .dbias = p.gradient(bias_),
                                    .dscore = p.gradient(score_),
                                    .workspace = p.workspace});
    }

  private:
    AttentionPool shape_;
    Index weight_, bias_, score_;
    Slot h_, a_;
};

// Linear, GELU, dropout, Linear.
class TaskHead {
  public:
    TaskHead(Builder& b, const std::string& name, Index in, Index hidden, Index out)
        : d_hidden_(b.scratch_matrix(hidden)),
          first_(b, name + ".first", in, hidden, 1, ParameterGroup::heads),
          second_(b, name + ".second", hidden, out, 1, ParameterGroup::heads),
          dropout_layer_(b.dropout_layers++),
          hidden_(b.keep_matrix(hidden)),
          active_(b.keep_matrix(hidden)) {}

    template <class S, class T>
    void forward(const Pass<S, T>& p, Matrix<const T> x, Matrix<T> y) const {
        first_.forward<S, T>(p, x, p.at(hidden_));
        gelu_forward<T>(p.stream, p.at(hidden_), p.dropout_of(dropout_layer_), 1, p.at(active_));
        second_.forward<S, T>(p, p.at(active_), y);
    }

    template <class S, class T>
    void backward(const Pass<S, T>& p, Matrix<const T> dy, Matrix<const T> x, Matrix<T> dx,
                  Write write) const {
        const Matrix<T> d_hidden = p.at(d_hidden_);
        second_.backward_parameters<S, T>(p, p.at(active_), dy);
        second_.backward_data<S, T>(p, dy, d_hidden, Write::overwrite);
        gelu_backward<T>(p.stream, d_hidden, p.at(hidden_), p.dropout_of(dropout_layer_), 1, d_hidden);
        first_.backward_parameters<S, T>(p, x, d_hidden);
        first_.backward_data<S, T>(p, d_hidden, dx, write);
    }

  private:
    MatrixSlot d_hidden_;
    LinearLayer first_, second_;
    std::uint32_t dropout_layer_;
    MatrixSlot hidden_, active_;
};

}  // namespace abr
