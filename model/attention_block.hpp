// Pre-norm transformer block (Xiong et al. 2020): h = x + proj(attention(LayerNorm x)),
// y = h + Linear(GELU(Linear(LayerNorm h))). Queries and values have a bias; keys have none, for softmax
// cancels it.
#pragma once

#include "kernels/activation.hpp"
#include "kernels/attention.hpp"
#include "model/layers.hpp"

namespace abr {

class AttentionBlock {
  public:
    struct Shape {
        Index channels, heads, length, feed_forward;  // feed_forward: width as a multiple of channels
    };

    AttentionBlock(Builder& b, const std::string& name, const Shape& s)
        : attention_{.channels = s.channels, .heads = s.heads},
          length_(s.length),
          branch_(b.temporary({.length = s.length, .channels = s.channels})),
          n1_(b.tensor(branch_.shape, branch_)),
          qkv_(b.tensor({.length = s.length, .channels = 3 * s.channels})),
          o_(b.tensor(branch_.shape, branch_)),
          h_(b.summand(branch_.shape)),
          n2_(b.tensor(branch_.shape, branch_)),
          wide_(b.tensor({.length = s.length, .channels = s.channels * s.feed_forward})),
          active_(b.tensor(wide_.shape, wide_)),
          probabilities_(b.keep(s.heads * s.length * s.length)),
          norm1_(b, name + ".norm1", {s.channels, s.length}, kGroup),
          to_qkv_(b, {.in = s.channels, .out = 3 * s.channels, .length = s.length},
                  {.weight = b.layout.weight(name + ".qkv.weight", {s.channels, 3 * s.channels}, s.channels,
                                             kGroup),
                   .bias = query_and_value_bias(b.layout, name, s.channels)}),
          projection_(b, name + ".projection", {s.channels, s.channels, s.length}, kGroup),
          norm2_(b, name + ".norm2", {s.channels, s.length}, kGroup),
          expand_(b, name + ".expand", {s.channels, s.channels * s.feed_forward, s.length}, kGroup),
          contract_(b, name + ".contract", {s.channels * s.feed_forward, s.channels, s.length}, kGroup) {
        b.need_workspace(attention_workspace(attention_, b.max_batch, s.length));
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        norm1_.forward(p, x, n1_);
        to_qkv_.forward(p, n1_, qkv_);
        attention_forward(p.stream, attention_, p.value(qkv_), p.output(o_), p.at(probabilities_));
        projection_.forward(p, o_, branch_);
        add(p.stream, p.value(x), p.value(branch_), p.output(h_));

        norm2_.forward(p, h_, n2_);
        expand_.forward(p, n2_, wide_);
        gelu_forward(p.stream, as_matrix(p.value(wide_)), {}, length_, as_matrix(p.output(active_)));
        contract_.forward(p, active_, branch_);
        add(p.stream, p.value(h_), p.value(branch_), p.output(y));
    }

    // x and y share their gradient: it grows in place from that of y to that of x.
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        assert(x.number == y.number);
        contract_.backward(p, active_, summand_of(branch_, y));
        gelu_backward(p.stream, as_matrix(p.gradient(active_)), as_matrix(p.value(wide_)), {}, length_,
                      as_matrix(p.first_contribution(wide_)));
        expand_.backward(p, n2_, wide_);
        norm2_.backward(p, summand_of(h_, y), n2_);

        projection_.backward(p, o_, summand_of(branch_, y));
        attention_backward(p.stream, attention_, p.gradient(o_), p.value(qkv_), p.at(probabilities_),
                           p.first_contribution(qkv_), p.workspace);
        to_qkv_.backward(p, n1_, qkv_);
        norm1_.backward(p, x, n1_);
    }

  private:
    static constexpr ParameterGroup kGroup = ParameterGroup::encoder;
    // One vector (3 * channels) as the projection wants it; the keys' part is a gap of untrained zeros.
    static Index query_and_value_bias(ParameterLayout& layout, const std::string& name, Index channels) {
        const Index offset = layout.bias(name + ".query.bias", channels, kGroup);
        layout.bias_after_gap(name + ".value.bias", channels, channels, kGroup);
        return offset;
    }

    Attention attention_;
    Index length_;
    // branch_ is what is added to x and then to h. Its memory serves the branches' gradients as well.
    Tensor branch_, n1_, qkv_, o_, h_, n2_, wide_, active_;
    Slot probabilities_;
    LayerNormLayer norm1_;
    LinearLayer to_qkv_, projection_;
    LayerNormLayer norm2_;
    LinearLayer expand_, contract_;
};

}  // namespace abr
