// Pre-norm transformer block (Xiong et al. 2020): h = x + proj(attention(LayerNorm x)),
// y = h + Linear(GELU(Linear(LayerNorm h))). Queries and values have a bias; keys have none, for softmax
// cancels it.
#pragma once

#include "kernels/activation.hpp"
#include "kernels/attention.hpp"
#include "kernels/sequence_ops.hpp"
#include "model/layers.hpp"

namespace abr {

class AttentionBlock {
  public:
    struct Shape {
        Index channels, heads, length, feed_forward;  // feed_forward: width as a multiple of channels
    };

    AttentionBlock(Builder& b, const std::string& name, const Shape& s)
        : out_(b.scratch_sequence(s.length, s.channels, 0)),
          d_wide_(b.scratch_sequence(s.length, s.channels * s.feed_forward, 0)),
          d_qkv_(b.scratch_sequence(s.length, 3 * s.channels, 0)),
          shape_{s.channels, s.heads},
          norm1_(b, name + ".norm1", s.channels, s.length, kGroup),
          qkv_weight_(
              b.layout.weight(name + ".qkv.weight", {s.channels, 3 * s.channels}, s.channels, kGroup)),
          qkv_bias_(query_and_value_bias(b.layout, name, s.channels)),
          projection_(b, name + ".projection", s.channels, s.channels, s.length, kGroup),
          norm2_(b, name + ".norm2", s.channels, s.length, kGroup),
          expand_(b, name + ".expand", s.channels, s.channels * s.feed_forward, s.length, kGroup),
          contract_(b, name + ".contract", s.channels * s.feed_forward, s.channels, s.length, kGroup),
          n1_(b.keep_sequence(s.length, s.channels, 0)),
          qkv_(b.keep_sequence(s.length, 3 * s.channels, 0)),
          o_(b.keep_sequence(s.length, s.channels, 0)),
          h_(b.keep_sequence(s.length, s.channels, 0)),
          n2_(b.keep_sequence(s.length, s.channels, 0)),
          wide_(b.keep_sequence(s.length, s.channels * s.feed_forward, 0)),
          active_(b.keep_sequence(s.length, s.channels * s.feed_forward, 0)),
          probabilities_(b.plan.keep(b.max_batch * s.heads * s.length * s.length)) {
        b.need_workspace(linear_workspace(s.channels, 3 * s.channels, b.max_batch * s.length));
        b.need_workspace(attention_workspace(shape_, b.max_batch, s.length));
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Sequence<T> y) const {
        norm1_.forward<S, T>(p, x, p.at(n1_));
        linear_forward<T>(p.stream, rows<T>(p.at(n1_)), p.parameter(qkv_weight_), p.parameter(qkv_bias_),
                          as_matrix(p.at(qkv_)), p.workspace);
        attention_forward<T>(p.stream, shape_, p.at(qkv_), p.at(o_), p.at(probabilities_));
        projection_.forward<S, T>(p, rows<T>(p.at(o_)), as_matrix(p.at(out_)));
        add<T>(p.stream, x, p.at(out_), p.at(h_));
        norm2_.forward<S, T>(p, p.at(h_), p.at(n2_));
        expand_.forward<S, T>(p, rows<T>(p.at(n2_)), as_matrix(p.at(wide_)));
        gelu_forward<T>(p.stream, rows<T>(p.at(wide_)), {}, length(), as_matrix(p.at(active_)));
        contract_.forward<S, T>(p, rows<T>(p.at(active_)), as_matrix(p.at(out_)));
        add<T>(p.stream, p.at(h_), p.at(out_), y);
    }

    // In place: d is the gradient of y on entry and that of x on return.
    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<const T> x, Sequence<T> d) const {
        const Matrix<const T> d_rows = rows<T>(d);
        const Matrix<T> d_wide = as_matrix(p.at(d_wide_));
        const Sequence<T> d_n = p.at(out_);
        contract_.backward_parameters<S, T>(p, rows<T>(p.at(active_)), d_rows);
        contract_.backward_data<S, T>(p, d_rows, d_wide, Write::overwrite);
        gelu_backward<T>(p.stream, d_wide, rows<T>(p.at(wide_)), {}, length(), d_wide);
        expand_.backward_parameters<S, T>(p, rows<T>(p.at(n2_)), d_wide);
        expand_.backward_data<S, T>(p, d_wide, as_matrix(d_n), Write::overwrite);
        norm2_.backward<S, T>(p, d_n, p.at(h_), d, Write::accumulate);

        projection_.backward_parameters<S, T>(p, rows<T>(p.at(o_)), d_rows);
        projection_.backward_data<S, T>(p, d_rows, as_matrix(d_n), Write::overwrite);
        const Sequence<T> d_qkv = p.at(d_qkv_);
        attention_backward<T>(p.stream, shape_, d_n, p.at(qkv_), p.at(probabilities_), d_qkv, p.workspace);
        linear_backward_weight<T>(p.stream, rows<T>(p.at(n1_)), rows<T>(d_qkv), p.gradient(qkv_weight_),
                                  p.gradient(qkv_bias_), p.workspace);
        linear_backward_data<T>(p.stream, rows<T>(d_qkv), p.parameter(qkv_weight_), as_matrix(d_n),
                                Write::overwrite, p.workspace);
        norm1_.backward<S, T>(p, d_n, x, d, Write::accumulate);
    }

  private:
    static constexpr ParameterGroup kGroup = ParameterGroup::encoder;
    // One vector (3 * channels) as the projection wants it; the keys' part is a gap of untrained zeros.
    static Index query_and_value_bias(ParameterLayout& layout, const std::string& name, Index channels) {
        const Index offset = layout.bias(name + ".query.bias", channels, kGroup);
        layout.bias_after_gap(name + ".value.bias", channels, channels, kGroup);
        return offset;
    }
    template <class T>
    static Matrix<const T> rows(Sequence<const T> s) {
        return as_matrix(s);
    }
    Index length() const { return n1_.length; }

    SequenceSlot out_, d_wide_, d_qkv_;  // out_ is the branch's output, then the norm's gradient
    Attention shape_;
    LayerNormLayer norm1_;
    Index qkv_weight_, qkv_bias_;
    LinearLayer projection_;
    LayerNormLayer norm2_;
    LinearLayer expand_, contract_;
    SequenceSlot n1_, qkv_, o_, h_, n2_, wide_, active_;
    Slot probabilities_;
};

}  // namespace abr
