// Self-attention of kernels/attention.hpp: one task for each sample and head, whose operands stay in the
// first cache level at the product's 25 tokens.
#include "kernels/cpu/simd_levels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each SIMD level
#include <hwy/highway.h>

#include "kernels/attention.hpp"
#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/simd_math.hpp"
#include "kernels/cpu/stream.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace {

// out(r, c) (=, +=) sum over k of a(r, k) * b(k, c). Rows of b and out are contiguous; a has any strides.
template <class T>
struct Product {
    Index rows, inner, columns;
    const T* a;
    Index a_row, a_inner;
    const T* b;
    Index b_inner;
    T* out;
    Index out_row;
    Write write = Write::overwrite;
};

template <int rows, int vectors, class D, class T>
HWY_INLINE void multiply_tile(D d, const Product<T>& p, Index r, Index c) {
    using V = hn::Vec<D>;
    const auto step = static_cast<Index>(hn::Lanes(d));
    V sum[rows][vectors];
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < vectors; ++j) {
            const T* out = p.out + (r + i) * p.out_row + c + j * step;
            sum[i][j] = p.write == Write::accumulate ? hn::LoadU(d, out) : hn::Zero(d);
        }
    for (Index k = 0; k < p.inner; ++k) {
        V b[vectors];
        for (int j = 0; j < vectors; ++j) b[j] = hn::LoadU(d, p.b + k * p.b_inner + c + j * step);
        for (int i = 0; i < rows; ++i) {
            const V a = hn::Set(d, p.a[(r + i) * p.a_row + k * p.a_inner]);
            for (int j = 0; j < vectors; ++j) sum[i][j] = hn::MulAdd(a, b[j], sum[i][j]);
        }
    }
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < vectors; ++j)
            hn::StoreU(sum[i][j], d, p.out + (r + i) * p.out_row + c + j * step);
}

template <class T>
void multiply(const Product<T>& p) {
    for_each_panel<T>(p.columns, [&](auto d, auto vectors, Index c) HWY_ATTR {
        Index r = 0;
        for (; r + 4 <= p.rows; r += 4) multiply_tile<4, vectors>(d, p, r, c);
        for (; r < p.rows; ++r) multiply_tile<1, vectors>(d, p, r, c);
    });
}

// out (n, n) = a b^T for a and b (n, depth) with their own row strides: b is transposed in tiles.
template <class T>
void multiply_transposed(Index n, Index depth, const T* a, Index a_row, const T* b, Index b_row, T* out) {
    constexpr Index kTile = 64;
    T tile[kTile * kTile];
    for (Index c = 0; c < n; c += kTile)
        for (Index k = 0; k < depth; k += kTile) {
            const Index columns = std::min(kTile, n - c);
            const Index inner = std::min(kTile, depth - k);
            for (Index j = 0; j < columns; ++j)
                for (Index i = 0; i < inner; ++i) tile[i * columns + j] = b[(c + j) * b_row + k + i];
            multiply<T>({n, inner, columns, a + k, a_row, 1, tile, columns, out + c, n,
                         k == 0 ? Write::overwrite : Write::accumulate});
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

template <class T>
void forward_head(const Attention& op, Sequence<const T> qkv, Sequence<T> o, T* probabilities, Index b,
                  Index head) {
    const Head<T> h(op, qkv, b, head);
    T* p = probabilities + h.probabilities;
    multiply_transposed(h.n, h.depth, h.q, h.stride, h.k, h.stride, p);
    for (Index i = 0; i < h.n; ++i) softmax(p + i * h.n, h.n, h.scale);
    multiply<T>({h.n, h.n, h.depth, p, h.n, 1, h.v, h.stride, o.row(b, 0) + head * h.depth, o.channels});
}

// ds (n, n), the gradient with respect to the scores, is this head's part of the workspace.
template <class T>
void backward_head(const Attention& op, Sequence<const T> d_o, Sequence<const T> qkv, const T* probabilities,
                   Sequence<T> dqkv, T* workspace, Index b, Index head) {
    const Head<T> h(op, qkv, b, head);
    const T* p = probabilities + h.probabilities;
    const T* g = d_o.row(b, 0) + head * h.depth;
    T* ds = workspace + h.probabilities;
    T* dq = dqkv.row(b, 0) + head * h.depth;
    T* dk = dq + op.channels;
    T* dv = dk + op.channels;
    multiply<T>({h.n, h.n, h.depth, p, 1, h.n, g, d_o.channels, dv, h.stride});
    multiply_transposed(h.n, h.depth, g, d_o.channels, h.v, h.stride, ds);
    for (Index i = 0; i < h.n; ++i) {
        const T* p_row = p + i * h.n;
        T* row = ds + i * h.n;
        const T mean = sum_of<T>(h.n, [&](auto d, Index j) HWY_ATTR {
            return hn::Mul(hn::LoadU(d, p_row + j), hn::LoadU(d, row + j));
        });
        for_each_vector<T>(h.n, [&](auto d, Index j) HWY_ATTR {
            const auto centred = hn::Sub(hn::LoadU(d, row + j), hn::Set(d, mean));
            hn::StoreU(hn::Mul(hn::Mul(centred, hn::LoadU(d, p_row + j)), hn::Set(d, h.scale)), d, row + j);
        });
    }
    multiply<T>({h.n, h.n, h.depth, ds, h.n, 1, h.k, h.stride, dq, h.stride});
    multiply<T>({h.n, h.n, h.depth, ds, 1, h.n, h.q, h.stride, dk, h.stride});
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

HWY_EXPORT(forward_f32);
HWY_EXPORT(forward_f64);
HWY_EXPORT(backward_f32);
HWY_EXPORT(backward_f64);

template <class T>
auto forward_function() {
    if constexpr (std::is_same_v<T, float>)
        return &HWY_DYNAMIC_DISPATCH(forward_f32);
    else
        return &HWY_DYNAMIC_DISPATCH(forward_f64);
}
template <class T>
auto backward_function() {
    if constexpr (std::is_same_v<T, float>)
        return &HWY_DYNAMIC_DISPATCH(backward_f32);
    else
        return &HWY_DYNAMIC_DISPATCH(backward_f64);
}

}  // namespace

template <class T>
void attention_forward(Stream& stream, const Attention& op, Sequence<const T> qkv, Sequence<T> o,
                       T* probabilities) {
    const ProfileScope scope(stream.profile(), __func__);
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
