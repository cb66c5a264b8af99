// One op with its parameters each: the smallest parts of the network.
//
// A part plans its memory in its constructor and is constant afterwards. forward(pass, ...) writes what
// backward(pass, ...) reads; parameter gradients accumulate in pass.gradients, gradients of activations are
// overwritten unless said otherwise. Scratch slots are declared before members that are parts themselves, so
// that theirs lie above; whoever constructs a composed part opens the ScratchFrame around it.
#pragma once

#include "kernels/conv1d.hpp"
#include "kernels/linear.hpp"
#include "kernels/norm.hpp"
#include "model/pass.hpp"

namespace abr {

// y = x W + b over the rows of a matrix.
class LinearLayer {
  public:
    LinearLayer(Builder& b, const std::string& name, Index in, Index out, Index rows_per_recording,
                ParameterGroup group)
        : weight_(b.layout.weight(name + ".weight", {in, out}, in, group)),
          bias_(b.layout.bias(name + ".bias", out, group)) {
        b.need_workspace(linear_workspace(in, out, rows_per_recording * b.max_batch));
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Matrix<const T> x, Matrix<T> y) const {
        linear_forward<T>(p.stream, x, p.parameter(weight_), p.parameter(bias_), y, p.workspace);
    }
    template <class S, class T>
    void backward_parameters(const Pass<S, T>& p, Matrix<const T> x, Matrix<const T> dy) const {
        linear_backward_weight<T>(p.stream, x, dy, p.gradient(weight_), p.gradient(bias_), p.workspace);
    }
    template <class S, class T>
    void backward_data(const Pass<S, T>& p, Matrix<const T> dy, Matrix<T> dx, Write write) const {
        linear_backward_data<T>(p.stream, dy, p.parameter(weight_), dx, write, p.workspace);
    }

  private:
    Index weight_, bias_;
};

// Convolution with bias.
class ConvLayer {
  public:
    ConvLayer(Builder& b, const std::string& name, const Conv1d& shape, Index length, ParameterGroup group)
        : shape_(shape),
          weight_(b.layout.weight(name + ".weight", {shape.kernel, shape.in_channels, shape.out_channels},
                                  shape.kernel * shape.in_channels, group)),
          bias_(b.layout.bias(name + ".bias", shape.out_channels, group)) {
        b.need_workspace(conv1d_workspace(shape, b.max_batch, length));
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Sequence<T> y) const {
        conv1d_forward<T>(p.stream, shape_, x, p.parameter(weight_), p.parameter(bias_), y, p.workspace);
    }
    template <class S, class T>
    void backward_parameters(const Pass<S, T>& p, Sequence<const T> x, Sequence<const T> dy) const {
        conv1d_backward_weight<T>(p.stream, shape_, x, dy, p.gradient(weight_), p.gradient(bias_),
                                  p.workspace);
    }
    template <class S, class T>
    void backward_data(const Pass<S, T>& p, Sequence<const T> dy, Sequence<T> dx, Write write) const {
        conv1d_backward_data<T>(p.stream, shape_, dy, p.parameter(weight_), dx, write, p.workspace);
    }

  private:
    Conv1d shape_;
    Index weight_, bias_;
};

class UpsampleLayer {
  public:
    UpsampleLayer(Builder& b, const std::string& name, const ConvTranspose1d& shape, Index length,
                  ParameterGroup group)
        : shape_(shape),
          weight_(b.layout.weight(name + ".weight", {shape.kernel, shape.in_channels, shape.out_channels},
                                  shape.kernel * shape.in_channels / shape.stride, group)),
          bias_(b.layout.bias(name + ".bias", shape.out_channels, group)) {
        b.need_workspace(conv_transpose1d_workspace(shape, b.max_batch, length));
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Sequence<T> y) const {
        conv_transpose1d_forward<T>(p.stream, shape_, x, p.parameter(weight_), p.parameter(bias_), y,
                                    p.workspace);
    }
    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<const T> x, Sequence<const T> dy, Sequence<T> dx,
                  Write write) const {
        conv_transpose1d_backward_weight<T>(p.stream, shape_, x, dy, p.gradient(weight_), p.gradient(bias_),
                                            p.workspace);
        conv_transpose1d_backward_data<T>(p.stream, shape_, dy, p.parameter(weight_), dx, write, p.workspace);
    }

  private:
    ConvTranspose1d shape_;
    Index weight_, bias_;
};

class LayerNormLayer {
  public:
    LayerNormLayer(Builder& b, const std::string& name, Index channels, Index rows_per_recording,
                   ParameterGroup group)
        : weight_(b.layout.norm_weight(name + ".weight", channels, group)),
          bias_(b.layout.bias(name + ".bias", channels, group)),
          mean_(b.plan.keep(rows_per_recording * b.max_batch)),
          rstd_(b.plan.keep(rows_per_recording * b.max_batch)) {
        b.need_workspace(layer_norm_workspace(channels, rows_per_recording * b.max_batch));
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Sequence<T> y) const {
        layer_norm_forward<T>(p.stream, x, p.parameter(weight_), p.parameter(bias_), y, p.at(mean_),
                              p.at(rstd_));
    }
    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<const T> dy, Sequence<const T> x, Sequence<T> dx,
                  Write write) const {
        layer_norm_backward<T>(p.stream, dy, x, p.parameter(weight_), p.at(mean_), p.at(rstd_), dx, write,
                               p.gradient(weight_), p.gradient(bias_), p.workspace);
    }

  private:
    Index weight_, bias_;
    Slot mean_, rstd_;
};

}  // namespace abr
