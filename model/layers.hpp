// One op with its parameters each: the smallest parts of the network.
//
// A part plans its parameters and memory in its constructor and is constant afterwards. forward(pass, x, y)
// writes the value of y; backward(pass, x, y), with the same tensors, takes the gradient of y, accumulates
// those of the parameters and contributes to that of x, if x has one. A part knows nothing of who else
// contributes to x: Pass::contribution. Tensors that meet outside a part are planned before it, and parts are
// constructed by Builder::part: scratch inside a part then never lies on a gradient that goes past it.
#pragma once

#include <optional>

#include "kernels/conv1d.hpp"
#include "kernels/linear.hpp"
#include "kernels/norm.hpp"
#include "kernels/sequence_ops.hpp"
#include "model/pass.hpp"

namespace abr {

// y = x W + b, for each sample of x (without zero rows).
class LinearLayer {
  public:
    struct Shape {
        Index in, out;
        Index length = 1;
    };
    // Places of W (in, out) and b (out).
    struct Parameters {
        Index weight, bias;
    };

    LinearLayer(Builder& b, const std::string& name, const Shape& s, ParameterGroup group)
        : LinearLayer(b, s,
                      {.weight = b.layout.weight(name + ".weight", {s.in, s.out}, s.in, group),
                       .bias = b.layout.bias(name + ".bias", s.out, group)}) {}
    LinearLayer(Builder& b, const Shape& s, const Parameters& parameters) : parameters_(parameters) {
        b.need_workspace(linear_workspace(s.in, s.out, s.length * b.max_batch));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        linear_forward(p.stream, as_matrix(p.value(x)), p.parameter(parameters_.weight),
                       p.parameter(parameters_.bias), as_matrix(p.output(y)), p.workspace);
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        linear_backward_weight(p.stream, as_matrix(p.value(x)), as_matrix(p.gradient(y)),
                               p.gradient(parameters_.weight), p.gradient(parameters_.bias), p.workspace);
        if (!x.has_gradient()) return;
        const auto dx = p.contribution(x);
        linear_backward_data(p.stream, as_matrix(p.gradient(y)), p.parameter(parameters_.weight),
                             as_matrix(dx.to), dx.write, p.workspace);
    }

  private:
    Parameters parameters_;
};

// Convolution, with bias unless a softmax makes it idle.
enum class Bias { none, learnt };
class ConvLayer {
  public:
    ConvLayer(Builder& b, const std::string& name, const Conv1d& op, Index length, ParameterGroup group,
              Bias bias = Bias::learnt)
        : op_(op),
          weight_(b.layout.weight(name + ".weight", {op.kernel, op.in_channels, op.out_channels},
                                  op.kernel * op.in_channels, group)) {
        if (bias == Bias::learnt) bias_ = b.layout.bias(name + ".bias", op.out_channels, group);
        b.need_workspace(conv1d_workspace(op, b.max_batch, length));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        conv1d_forward(p.stream, op_, p.value(x), p.parameter(weight_), bias_ ? p.parameter(*bias_) : nullptr,
                       p.output(y), p.workspace);
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        conv1d_backward_weight(p.stream, op_, p.value(x), p.gradient(y), p.gradient(weight_),
                               bias_ ? p.gradient(*bias_) : nullptr, p.workspace);
        if (!x.has_gradient()) return;
        const auto dx = p.contribution(x);
        conv1d_backward_data(p.stream, op_, p.gradient(y), p.parameter(weight_), dx.to, dx.write,
                             p.workspace);
    }

  private:
    Conv1d op_;
    Index weight_;
    std::optional<Index> bias_;
};

// Transposed convolution with bias.
class UpsampleLayer {
  public:
    UpsampleLayer(Builder& b, const std::string& name, const ConvTranspose1d& op, Index length,
                  ParameterGroup group)
        : op_(op),
          weight_(b.layout.weight(name + ".weight", {op.kernel, op.in_channels, op.out_channels},
                                  op.kernel * op.in_channels / op.stride, group)),
          bias_(b.layout.bias(name + ".bias", op.out_channels, group)) {
        b.need_workspace(conv_transpose1d_workspace(op, b.max_batch, length));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        conv_transpose1d_forward(p.stream, op_, p.value(x), p.parameter(weight_), p.parameter(bias_),
                                 p.output(y), p.workspace);
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        conv_transpose1d_backward_weight(p.stream, op_, p.value(x), p.gradient(y), p.gradient(weight_),
                                         p.gradient(bias_), p.workspace);
        const auto dx = p.contribution(x);
        conv_transpose1d_backward_data(p.stream, op_, p.gradient(y), p.parameter(weight_), dx.to, dx.write,
                                       p.workspace);
    }

  private:
    ConvTranspose1d op_;
    Index weight_, bias_;
};

class LayerNormLayer {
  public:
    struct Shape {
        Index channels;
        Index length = 1;
    };

    LayerNormLayer(Builder& b, const std::string& name, const Shape& s, ParameterGroup group)
        : weight_(b.layout.norm_weight(name + ".weight", s.channels, group)),
          bias_(b.layout.bias(name + ".bias", s.channels, group)),
          mean_(b.statistic(s.length)),
          rstd_(b.statistic(s.length)) {
        b.need_workspace(layer_norm_workspace(s.channels, s.length * b.max_batch));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        layer_norm_forward(p.stream, p.value(x), p.parameter(weight_), p.parameter(bias_), p.output(y),
                           p.statistic(mean_), p.statistic(rstd_));
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        const auto dx = p.contribution(x);
        layer_norm_backward(p.stream, p.gradient(y), p.value(x), p.parameter(weight_), p.statistic(mean_),
                            p.statistic(rstd_), dx.to, dx.write, p.gradient(weight_), p.gradient(bias_),
                            p.workspace);
    }

  private:
    Index weight_, bias_;
    Slot mean_, rstd_;
};

// What group norm computes on the way: FiLM, a residual before GELU, dropout behind it.
struct GroupNormFusion {
    Tensor film = {};      // (2 * channels): gamma, beta
    Tensor residual = {};  // like x
    Dropout dropout = {};
};

class GroupNormLayer {
  public:
    GroupNormLayer(Builder& b, const std::string& name, const GroupNorm& op, ParameterGroup group)
        : op_(op),
          weight_(b.layout.norm_weight(name + ".weight", op.channels, group)),
          bias_(b.layout.bias(name + ".bias", op.channels, group)),
          mean_(b.statistic(op.groups)),
          rstd_(b.statistic(op.groups)) {
        b.need_workspace(group_norm_workspace(op, b.max_batch));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y, const GroupNormFusion& fused = {}) const {
        group_norm_forward(p.stream, op_,
                           GroupNormForward<typename P::Storage>{.x = p.value(x),
                                                                 .weight = p.parameter(weight_),
                                                                 .bias = p.parameter(bias_),
                                                                 .film = p.value(fused.film).data,
                                                                 .residual = p.value(fused.residual),
                                                                 .dropout = fused.dropout,
                                                                 .y = p.output(y),
                                                                 .mean = p.statistic(mean_),
                                                                 .rstd = p.statistic(rstd_)});
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y, const GroupNormFusion& fused = {}) const {
        group_norm_backward(
            p.stream, op_,
            GroupNormBackward<typename P::Storage>{.dy = p.gradient(y),
                                                   .x = p.value(x),
                                                   .weight = p.parameter(weight_),
                                                   .bias = p.parameter(bias_),
                                                   .film = p.value(fused.film).data,
                                                   .residual = p.value(fused.residual),
                                                   .dropout = fused.dropout,
                                                   .mean = p.statistic(mean_),
                                                   .rstd = p.statistic(rstd_),
                                                   .dx = p.first_contribution(x),
                                                   .dresidual = p.first_contribution(fused.residual),
                                                   .dfilm = p.first_contribution(fused.film).data,
                                                   .dweight = p.gradient(weight_),
                                                   .dbias = p.gradient(bias_),
                                                   .workspace = p.workspace});
    }

  private:
    GroupNorm op_;
    Index weight_, bias_;
    Slot mean_, rstd_;
};

// y = a beside b.
template <class P>
void concatenate(const P& p, const Tensor& a, const Tensor& b, const Tensor& y) {
    concat_channels(p.stream, p.value(a), p.value(b), p.output(y));
}
template <class P>
void concatenate_backward(const P& p, const Tensor& a, const Tensor& b, const Tensor& y) {
    const auto da = p.contribution(a), db = p.contribution(b);
    split_channels(p.stream, p.gradient(y), da.to, da.write, db.to, db.write);
}

}  // namespace abr
