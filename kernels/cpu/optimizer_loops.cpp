#include "kernels/cpu/optimizer_loops.hpp"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once for each SIMD level by
// including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/optimizer_loops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace abr::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One vector of the update at element i; the tail runs the same formula on vectors of one lane.
template <class D, class T>
HWY_INLINE void update_vector(D d, const AdamWConstants<T>& c, const AdamWBuffers<T>& b, Index i) {
    const auto g = hn::Mul(hn::LoadU(d, b.gradient + i), hn::Set(d, c.gradient_scale));
    const auto m = hn::MulAdd(hn::LoadU(d, b.first_moment + i), hn::Set(d, c.beta1),
                              hn::Mul(g, hn::Set(d, c.one_minus_beta1)));
    const auto v = hn::MulAdd(hn::LoadU(d, b.second_moment + i), hn::Set(d, c.beta2),
                              hn::Mul(hn::Mul(g, g), hn::Set(d, c.one_minus_beta2)));
    const auto root = hn::Sqrt(hn::Mul(v, hn::Set(d, c.inverse_correction2)));
    const auto update = hn::Div(hn::Mul(m, hn::Set(d, c.step_size)), hn::Add(root, hn::Set(d, c.epsilon)));
    const auto p = hn::Sub(hn::Mul(hn::LoadU(d, b.value + i), hn::Set(d, c.keep)), update);
    hn::StoreU(m, d, b.first_moment + i);
    hn::StoreU(v, d, b.second_moment + i);
    hn::StoreU(p, d, b.value + i);
    hn::StoreU(hn::Zero(d), d, b.gradient + i);
    if (b.ema != nullptr) {
        const auto ema = hn::MulAdd(hn::LoadU(d, b.ema + i), hn::Set(d, c.ema_decay),
                                    hn::Mul(p, hn::Set(d, c.one_minus_ema_decay)));
        hn::StoreU(ema, d, b.ema + i);
    }
}

template <class T>
HWY_INLINE void update(const AdamWConstants<T>& c, const AdamWBuffers<T>& b, Index count) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    Index i = 0;
    for (; i + lanes <= count; i += lanes) update_vector(d, c, b, i);
    for (; i < count; ++i) update_vector(hn::CappedTag<T, 1>(), c, b, i);
}

void update_float(const AdamWConstants<float>& c, const AdamWBuffers<float>& b, Index count) {
    update(c, b, count);
}
void update_double(const AdamWConstants<double>& c, const AdamWBuffers<double>& b, Index count) {
    update(c, b, count);
}

template <class D>
HWY_INLINE auto load_as_double(D d, const double* x) {
    return hn::LoadU(d, x);
}
template <class D>
HWY_INLINE auto load_as_double(D d, const float* x) {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}

template <class T>
HWY_INLINE double squares(const T* x, Index count) {
    const hn::ScalableTag<double> d;
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);  // hide the latency
    Index i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        const auto x0 = load_as_double(d, x + i), x1 = load_as_double(d, x + i + lanes);
        const auto x2 = load_as_double(d, x + i + 2 * lanes), x3 = load_as_double(d, x + i + 3 * lanes);
        sum0 = hn::MulAdd(x0, x0, sum0);
        sum1 = hn::MulAdd(x1, x1, sum1);
        sum2 = hn::MulAdd(x2, x2, sum2);
        sum3 = hn::MulAdd(x3, x3, sum3);
    }
    const auto total = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
    double sum = hn::GetLane(hn::SumOfLanes(d, total));
    for (; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return sum;
}

double squares_float(const float* x, Index count) {
    return squares(x, count);
}
double squares_double(const double* x, Index count) {
    return squares(x, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace abr::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr::cpu {

HWY_EXPORT(update_float);
HWY_EXPORT(update_double);
HWY_EXPORT(squares_float);
HWY_EXPORT(squares_double);

void adamw_update(const AdamWConstants<float>& c, const AdamWBuffers<float>& b, Index count) {
    HWY_DYNAMIC_DISPATCH(update_float)(c, b, count);
}
void adamw_update(const AdamWConstants<double>& c, const AdamWBuffers<double>& b, Index count) {
    HWY_DYNAMIC_DISPATCH(update_double)(c, b, count);
}
double sum_of_squares(const float* x, Index count) {
    return HWY_DYNAMIC_DISPATCH(squares_float)(x, count);
}
double sum_of_squares(const double* x, Index count) {
    return HWY_DYNAMIC_DISPATCH(squares_double)(x, count);
}

}  // namespace abr::cpu
#endif
