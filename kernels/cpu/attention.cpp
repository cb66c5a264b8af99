// Self-attention of kernels/attention.hpp: one task for each sample and head, whose operands stay in the
// first cache level at the product's 25 tokens.
#include "kernels/cpu/simd_levels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each SIMD level
#include <hwy/highway.h>

#include <limits>

#include "kernels/attention.hpp"
#include "kernels/cpu/gemm_kernel.hpp"
#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/simd_dispatch.hpp"
#include "kernels/cpu/simd_math.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/operand_checks.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace {

// out(r, c) = sum over k of a(r, k) * b(k, c), by panels of b (gemm_kernel.hpp); a and b have any strides. Where rows of
// out have room for whole vectors (`room` columns), zeros are written there, which is faster than to leave it.
template <class T>
struct Product {
    Index rows, inner, columns;
    const T* a;
    Index a_row, a_inner;
    const T* b;
    Index b_inner, b_column;
    T* out;
    Index out_row;
    Index room = columns;
};

template <class T>
void multiply(const Product<T>& p) {
    constexpr Index kDepth = 64;  // rows of a panel
    T panel[(1 + kDepth) * 2 * kMaxLanes];
    const Index full = panel_columns<T>();
    for (Index c = 0; c < p.columns; c += full)
        for (Index k = 0; k < p.inner; k += kDepth) {
            const Index columns = std::min(full, p.columns - c), inner = std::min(kDepth, p.inner - k);
            pack_panel<T>({.b = p.b + k * p.b_inner + c * p.b_column,
                           .inner = inner,
                           .inner_stride = p.b_inner,
                           .columns = columns,
                           .column_stride = p.b_column},
                          panel);
            multiply_panel<T>({.a = p.a + k * p.a_inner,
                               .a_rows = {p.rows, 0, p.a_row},
                               .inner = inner,
                               .inner_stride = p.a_inner,
                               .panel = panel,
                               .columns = std::min(full, p.room - c),
                               .c = p.out + c,
                               .c_rows = {p.rows, 0, p.out_row},
                               .write = k == 0 ? Write::overwrite : Write::accumulate},
                              0, p.rows);
        }
}

// The operands of one sample and head; rows of q, k, v are 3 * channels apart.
template <class T>
struct Head {
    Index n, depth;
    const T *q, *k, *v;  // (n, depth)
    Index stride;
    Index probabilities;  // offset of (n, n)
    T scale;

    Head(const Attention& op, Sequence<const T> qkv, Index b, Index head)
        : n(qkv.length),
          depth(op.channels / op.heads),
          q(qkv.row(b, 0) + head * depth),
          k(q + op.channels),
          v(k + op.channels),
          stride(qkv.channels),
          probabilities((b * op.heads + head) * n * n),
          scale(1 / std::sqrt(static_cast<T>(depth))) {}
};

// Where the scores (n, n) of a head are worked on: for few tokens in rows of whole vectors on the stack, which products
// write fastest, else in a buffer of the caller.
template <class T>
class Scores {
  public:
    Scores(Index n, T* buffer)
        : columns(n <= kTokens ? (n + lanes<T>() - 1) / lanes<T>() * lanes<T>() : n),
          data(n <= kTokens ? few_ : buffer) {}
    // = a b^T for a and b (n, depth), whose rows are a_row and b_row apart.
    void multiply_transposed(Index n, Index depth, const T* a, Index a_row, const T* b, Index b_row) {
        multiply<T>({n, depth, n, a, a_row, 1, b, 1, b_row, data, columns, columns});
    }
    // to = softmax of scale * row i. Columns from n on are taken for minus infinity, so that all vectors are whole.
    void softmax_row(Index i, Index n, T scale, T* to) {
        T* const row = data + i * columns;
        if (row == to) return softmax(row, n, scale);
        const Full<T> d;
        const auto load = [&](Index j) HWY_ATTR {
            const auto inside = hn::FirstN(d, static_cast<std::size_t>(n - j));
            return hn::IfThenElse(inside, hn::LoadU(d, row + j),
                                  hn::Set(d, std::numeric_limits<T>::lowest()));
        };
        auto largest = load(0);
        for (Index j = lanes<T>(); j < columns; j += lanes<T>()) largest = hn::Max(largest, load(j));
        largest = hn::MaxOfLanes(d, largest);
        auto sum = hn::Zero(d);
        for (Index j = 0; j < columns; j += lanes<T>()) {
            const auto e =
                exp_of_negative(d, hn::Mul(hn::Sub(load(j), largest), hn::Set(d, scale)));  // about 0 outside
            hn::StoreU(e, d, row + j);
            sum = hn::Add(sum, e);
        }
        const T share = 1 / hn::GetLane(hn::SumOfLanes(d, sum));
        for_each_vector<T>(n, [&](auto tag, Index j) HWY_ATTR {
            hn::StoreU(hn::Mul(hn::LoadU(tag, row + j), hn::Set(tag, share)), tag, to + j);
        });
    }

    const Index columns;  // of a row in memory
    T* const data;

  private:
    static constexpr Index kTokens = 32;
    T few_[kTokens * kTokens];
};

template <class T>
void forward_head(const Attention& op, Sequence<const T> qkv, Sequence<T> o, T* probabilities, Index b,
                  Index head) {
    const Head<T> h(op, qkv, b, head);
    T* p = probabilities + h.probabilities;
    Scores<T> scores(h.n, p);
    scores.multiply_transposed(h.n, h.depth, h.q, h.stride, h.k, h.stride);
    for (Index i = 0; i < h.n; ++i) scores.softmax_row(i, h.n, h.scale, p + i * h.n);
    multiply<T>({h.n, h.n, h.depth, p, h.n, 1, h.v, h.stride, 1, o.row(b, 0) + head * h.depth, o.channels});
}

// The gradient with respect to the scores may use this head's part of the workspace, (n, n).
template <class T>
void backward_head(const Attention& op, Sequence<const T> d_o, Sequence<const T> qkv, const T* probabilities,
                   Sequence<T> dqkv, T* workspace, Index b, Index head) {
    const Head<T> h(op, qkv, b, head);
    const T* p = probabilities + h.probabilities;
    const T* g = d_o.row(b, 0) + head * h.depth;
    T* dq = dqkv.row(b, 0) + head * h.depth;
    T* dk = dq + op.channels;
    T* dv = dk + op.channels;
    multiply<T>({h.n, h.n, h.depth, p, 1, h.n, g, d_o.channels, 1, dv, h.stride});
    Scores<T> ds(h.n, workspace + h.probabilities);
    ds.multiply_transposed(h.n, h.depth, g, d_o.channels, h.v, h.stride);
    for (Index i = 0; i < h.n; ++i) {
        const T* p_row = p + i * h.n;
        T* row = ds.data + i * ds.columns;
        const T mean = sum_of<T>(h.n, [&](auto d, Index j) HWY_ATTR {
            return hn::Mul(hn::LoadU(d, p_row + j), hn::LoadU(d, row + j));
        });
        for_each_vector<T>(h.n, [&](auto d, Index j) HWY_ATTR {
            const auto centred = hn::Sub(hn::LoadU(d, row + j), hn::Set(d, mean));
            hn::StoreU(hn::Mul(hn::Mul(centred, hn::LoadU(d, p_row + j)), hn::Set(d, h.scale)), d, row + j);
        });
    }
    multiply<T>({h.n, h.n, h.depth, ds.data, ds.columns, 1, h.k, h.stride, 1, dq, h.stride});
    multiply<T>({h.n, h.n, h.depth, ds.data, 1, ds.columns, h.q, h.stride, 1, dk, h.stride});
}

void forward_f32(const Attention& op, Sequence<const float> qkv, Sequence<float> o, float* probabilities,
                 Index b, Index head) {
    forward_head(op, qkv, o, probabilities, b, head);
}
void forward_f64(const Attention& op, Sequence<const double> qkv, Sequence<double> o, double* probabilities,
                 Index b, Index head) {
    forward_head(op, qkv, o, probabilities, b, head);
}
void backward_f32(const Attention& op, Sequence<const float> d_o, Sequence<const float> qkv,
                  const float* probabilities, Sequence<float> dqkv, float* workspace, Index b, Index head) {
    backward_head(op, d_o, qkv, probabilities, dqkv, workspace, b, head);
}
void backward_f64(const Attention& op, Sequence<const double> d_o, Sequence<const double> qkv,
                  const double* probabilities, Sequence<double> dqkv, double* workspace, Index b,
                  Index head) {
    backward_head(op, d_o, qkv, probabilities, dqkv, workspace, b, head);
}

}  // namespace
}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr {

Index attention_workspace(const Attention& op, Index batch, Index length) {
    return batch * op.heads * length * length;
}

namespace cpu {
namespace {

ABR_SIMD_DISPATCH(forward)
ABR_SIMD_DISPATCH(backward)

}  // namespace

template <class T>
void attention_forward(Stream& stream, const Attention& op, Sequence<const T> qkv, Sequence<T> o,
                       T* probabilities) {
    const ProfileScope scope(stream.profile(), __func__);
    check_attention(__func__, op, {"qkv", qkv}, {"o", o});
    const auto forward = forward_function<T>();
    stream.parallel_for(qkv.batch * op.heads, [&](Index task) {
        const Index b = task / op.heads;
        const Index head = task % op.heads;
        if (head == 0) zero_padding(o, b);
        forward(op, qkv, o, probabilities, b, head);
    });
}

template <class T>
void attention_backward(Stream& stream, const Attention& op, Sequence<const T> d_o, Sequence<const T> qkv,
                        const T* probabilities, Sequence<T> dqkv, T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_attention(__func__, op, {"qkv", qkv}, {"d_o", d_o});
    check_alike(__func__, {{"qkv", qkv}, {"dqkv", dqkv}});
    const auto backward = backward_function<T>();
    stream.parallel_for(qkv.batch * op.heads, [&](Index task) {
        const Index b = task / op.heads;
        const Index head = task % op.heads;
        if (head == 0) zero_padding(dqkv, b);
        backward(op, d_o, qkv, probabilities, dqkv, workspace, b, head);
    });
}

// One task a sample position: its values are worked out once, in double, and added to every sample.
template <class T>
void add_positions(Stream& stream, Sequence<const T> x, Sequence<T> y) {
    const ProfileScope scope(stream.profile(), __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    stream.parallel_for(x.length, [&](Index t) {
        if (t == 0)
            for (Index b = 0; b < x.batch; ++b) zero_padding(y, b);
        constexpr Index kBlock = 64;
        T position[kBlock];
        for (Index begin = 0; begin < x.channels; begin += kBlock) {
            const Index n = std::min(kBlock, x.channels - begin);
            for (Index i = 0; i < n; ++i) {
                const Index c = begin + i;
                const double exponent = static_cast<double>(c - c % 2) / static_cast<double>(x.channels);
                const double angle = static_cast<double>(t) * std::pow(10000.0, -exponent);
                position[i] = static_cast<T>(c % 2 == 0 ? std::sin(angle) : std::cos(angle));
            }
            for (Index b = 0; b < x.batch; ++b) {
                const T* from = x.row(b, t) + begin;
                T* to = y.row(b, t) + begin;
                for (Index i = 0; i < n; ++i) to[i] = from[i] + position[i];
            }
        }
    });
}

template void attention_forward(Stream&, const Attention&, Sequence<const float>, Sequence<float>, float*);
template void attention_forward(Stream&, const Attention&, Sequence<const double>, Sequence<double>, double*);
template void attention_backward(Stream&, const Attention&, Sequence<const float>, Sequence<const float>,
                                 const float*, Sequence<float>, float*);
template void attention_backward(Stream&, const Attention&, Sequence<const double>, Sequence<const double>,
                                 const double*, Sequence<double>, double*);
template void add_positions(Stream&, Sequence<const float>, Sequence<float>);
template void add_positions(Stream&, Sequence<const double>, Sequence<double>);

}  // namespace cpu
}  // namespace abr
#endif
