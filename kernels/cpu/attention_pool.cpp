// Attention pooling of kernels/attention_pool.hpp: the products with W over all rows, the rest one task a
// sample.
#include "kernels/cpu/simd_levels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention_pool.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each SIMD level
#include <hwy/highway.h>

#include "kernels/attention_pool.hpp"
#include "kernels/cpu/gemm.hpp"
#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/partial_sums.hpp"
#include "kernels/cpu/simd_dispatch.hpp"
#include "kernels/cpu/simd_math.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/cuda/attention_pool_plan.hpp"
#include "kernels/operand_checks.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace {

// a.h holds x W + c and becomes its tanh.
template <class T>
void forward_sample(const AttentionPool& op, const AttentionPoolForward<T>& a, Index b) {
    const Index length = a.x.length;
    T* weight = a.a + b * length;
    for (Index t = 0; t < length; ++t) {
        T* h = a.h + (b * length + t) * op.hidden;
        weight[t] = sum_of<T>(op.hidden, [&](auto d, Index i) HWY_ATTR {
            const auto v = tanh(d, hn::LoadU(d, h + i));
            hn::StoreU(v, d, h + i);
            return hn::Mul(v, hn::LoadU(d, a.score + i));
        });
    }
    softmax(weight, length, T{1});
    for_each_vector<T>(op.channels, [&](auto d, Index c) HWY_ATTR {
        auto sum = hn::Zero(d);
        for (Index t = 0; t < length; ++t)
            sum = hn::MulAdd(hn::Set(d, weight[t]), hn::LoadU(d, a.x.row(b, t) + c), sum);
        hn::StoreU(sum, d, a.y.row(b) + c);
    });
}

// d_pre (length, hidden): gradient with respect to x W + c of this sample. dx gets the part through y.
// d_score (length) is scratch. dbias and dscore (hidden) are this sample's shares.
template <class T>
void backward_sample(const AttentionPool& op, const AttentionPoolBackward<T>& a, Index b, T* d_pre,
                     T* d_score, T* dbias, T* dscore) {
    const Index length = a.x.length;
    const T* weight = a.a + b * length;
    const T* dy = a.dy.row(b);
    double mean = 0;  // in double: its error would add up over time in dbias
    for (Index t = 0; t < length; ++t) {
        const T* x = a.x.row(b, t);
        T* dx = a.dx.row(b, t);
        d_score[t] = sum_of<T>(op.channels, [&](auto d, Index c) HWY_ATTR {
            const auto g = hn::LoadU(d, dy + c);
            const auto product = hn::Mul(g, hn::LoadU(d, x + c));
            const auto through = hn::Mul(g, hn::Set(d, weight[t]));
            hn::StoreU(a.write == Write::accumulate ? hn::Add(hn::LoadU(d, dx + c), through) : through, d,
                       dx + c);
            return product;
        });
        mean += static_cast<double>(weight[t]) * static_cast<double>(d_score[t]);
    }
    for (Index t = 0; t < length; ++t)
        d_score[t] = weight[t] * static_cast<T>(static_cast<double>(d_score[t]) - mean);
    for_each_vector<T>(op.hidden, [&](auto d, Index i) HWY_ATTR {
        const auto v = hn::LoadU(d, a.score + i);
        auto bias_sum = hn::Zero(d);
        auto score_sum = hn::Zero(d);
        for (Index t = 0; t < length; ++t) {
            const auto g = hn::Set(d, d_score[t]);
            const auto h = hn::LoadU(d, a.h + (b * length + t) * op.hidden + i);
            const auto pre = hn::Mul(hn::Mul(g, v), hn::NegMulAdd(h, h, hn::Set(d, T{1})));
            hn::StoreU(pre, d, d_pre + t * op.hidden + i);
            bias_sum = hn::Add(bias_sum, pre);
            score_sum = hn::MulAdd(g, h, score_sum);
        }
        hn::StoreU(bias_sum, d, dbias + i);
        hn::StoreU(score_sum, d, dscore + i);
    });
}

void forward_f32(const AttentionPool& op, const AttentionPoolForward<float>& a, Index b) {
    forward_sample(op, a, b);
}
void forward_f64(const AttentionPool& op, const AttentionPoolForward<double>& a, Index b) {
    forward_sample(op, a, b);
}
void backward_f32(const AttentionPool& op, const AttentionPoolBackward<float>& a, Index b, float* d_pre,
                  float* d_score, float* dbias, float* dscore) {
    backward_sample(op, a, b, d_pre, d_score, dbias, dscore);
}
void backward_f64(const AttentionPool& op, const AttentionPoolBackward<double>& a, Index b, double* d_pre,
                  double* d_score, double* dbias, double* dscore) {
    backward_sample(op, a, b, d_pre, d_score, dbias, dscore);
}

}  // namespace
}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr {
namespace {

cpu::WeightShape weight_shape(const AttentionPool& op, Index batch, Index length) {
    return {.samples = batch, .rows = length, .channels = op.channels, .columns = op.hidden};
}

// The workspace: first d_pre (batch, length, hidden), d_score (batch, length) and each sample's shares of
// dbias and dscore (batch, 2 * hidden), then that of the products.
struct Layout {
    Index d_score, shares, products;

    Layout(const AttentionPool& op, Index batch, Index length)
        : d_score(batch * length * op.hidden),
          shares(d_score + batch * length),
          products(shares + batch * 2 * op.hidden) {}
};

}  // namespace

Index attention_pool_workspace(const AttentionPool& op, Index batch, Index length) {
    return std::max(Layout(op, batch, length).products +
                        std::max({cpu::row_product_workspace(1, op.channels, op.hidden),
                                  cpu::row_product_workspace(1, op.hidden, op.channels),
                                  cpu::weight_product_workspace(weight_shape(op, batch, length))}),
                    cuda::AttentionPoolPlan(op, batch, length).size);
}

namespace cpu {
namespace {

ABR_SIMD_DISPATCH(forward)
ABR_SIMD_DISPATCH(backward)

template <class T>
StridedRows rows_of(Sequence<T> s) {
    return {s.length, s.sample_stride(), s.channels};
}

}  // namespace

template <class T>
void attention_pool_forward(Stream& stream, const AttentionPool& op, const AttentionPoolForward<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    check_attention_pool(__func__, op, {"x", a.x}, {"y", a.y});
    const auto forward = forward_function<T>();
    multiply_rows(stream,
                  RowProduct<T>{.a = a.x.row(0, 0),
                                .a_rows = rows_of(a.x),
                                .rows = a.x.batch * a.x.length,
                                .channels = op.channels,
                                .weight = a.weight,
                                .w_in = op.hidden,
                                .bias = a.bias,
                                .columns = op.hidden,
                                .c = a.h,
                                .c_rows = {a.x.length, a.x.length * op.hidden, op.hidden}},
                  a.workspace);
    stream.parallel_for(a.x.batch, [&](Index b) { forward(op, a, b); });
}

template <class T>
void attention_pool_backward(Stream& stream, const AttentionPool& op, const AttentionPoolBackward<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    check_attention_pool(__func__, op, {"x", a.x}, {"dy", a.dy});
    check_alike(__func__, {{"x", a.x}, {"dx", a.dx}});
    const auto backward = backward_function<T>();
    const Index batch = a.x.batch;
    const Index length = a.x.length;
    const Layout layout(op, batch, length);
    T* d_pre = a.workspace;
    T* shares = a.workspace + layout.shares;
    T* products = a.workspace + layout.products;
    stream.parallel_for(batch, [&](Index b) {
        zero_padding(a.dx, b);
        T* share = shares + b * 2 * op.hidden;
        backward(op, a, b, d_pre + b * length * op.hidden, a.workspace + layout.d_score + b * length, share,
                 share + op.hidden);
    });
    add_partial_sums(stream, shares, batch, 2 * op.hidden, op.hidden, a.dbias);
    add_partial_sums(stream, shares + op.hidden, batch, 2 * op.hidden, op.hidden, a.dscore);
    multiply_rows(stream,
                  RowProduct<T>{.a = d_pre,
                                .a_rows = {length, length * op.hidden, op.hidden},
                                .rows = batch * length,
                                .channels = op.hidden,
                                .weight = a.weight,
                                .w_in = 1,
                                .w_out = op.hidden,
                                .columns = op.channels,
                                .c = a.dx.row(0, 0),
                                .c_rows = rows_of(a.dx),
                                .write = Write::accumulate},
                  products);
    accumulate_weight_product(stream,
                              WeightProduct<T>{.shape = weight_shape(op, batch, length),
                                               .a = a.x.row(0, 0),
                                               .a_sample = a.x.sample_stride(),
                                               .g = d_pre,
                                               .g_sample = length * op.hidden,
                                               .g_row = op.hidden,
                                               .dw = a.dweight},
                              products);
}

template void attention_pool_forward(Stream&, const AttentionPool&, const AttentionPoolForward<float>&);
template void attention_pool_forward(Stream&, const AttentionPool&, const AttentionPoolForward<double>&);
template void attention_pool_backward(Stream&, const AttentionPool&, const AttentionPoolBackward<float>&);
template void attention_pool_backward(Stream&, const AttentionPool&, const AttentionPoolBackward<double>&);

}  // namespace cpu
}  // namespace abr
#endif
