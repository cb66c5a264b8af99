// LayerNorm of kernels/norm.hpp: fixed runs of rows are the tasks.
#include "kernels/cpu/simd_levels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layer_norm.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each SIMD level
#include <hwy/highway.h>

#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/partial_sums.hpp"
#include "kernels/cpu/simd_dispatch.hpp"
#include "kernels/cpu/simd_math.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/cuda/norm_plan.hpp"
#include "kernels/norm.hpp"
#include "kernels/operand_checks.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace {

template <class T>
void forward_row(Index n, const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd) {
    const T m =
        sum_of<T>(n, [&](auto d, Index i) HWY_ATTR { return hn::LoadU(d, x + i); }) / static_cast<T>(n);
    const T variance = sum_of<T>(n,
                                 [&](auto d, Index i) HWY_ATTR {
                                     const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m));
                                     return hn::Mul(v, v);
                                 }) /
                       static_cast<T>(n);
    const T r = T{1} / std::sqrt(variance + static_cast<T>(kNormEpsilon));
    *mean = m;
    *rstd = r;
    for_each_vector<T>(n, [&](auto d, Index i) HWY_ATTR {
        const auto normalised = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)), hn::Set(d, r));
        hn::StoreU(hn::MulAdd(normalised, hn::LoadU(d, weight + i), hn::LoadU(d, bias + i)), d, y + i);
    });
}

// dweight, dbias (n) accumulated.
template <class T>
void backward_row(Index n, const T* dy, const T* x, const T* weight, T mean, T rstd, T* dx, Write write,
                  T* dweight, T* dbias) {
    const auto normalised = [&](auto d, Index i) HWY_ATTR {
        return hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, rstd));
    };
    const auto upstream = [&](auto d, Index i)
                              HWY_ATTR { return hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, weight + i)); };
    const T constant = sum_of<T>(n, upstream) / static_cast<T>(n);
    const T centred =
        sum_of<T>(n, [&](auto d, Index i) HWY_ATTR { return hn::Mul(upstream(d, i), normalised(d, i)); }) /
        static_cast<T>(n);
    for_each_vector<T>(n, [&](auto d, Index i) HWY_ATTR {
        const auto g = hn::LoadU(d, dy + i);
        const auto v = normalised(d, i);
        auto out = hn::NegMulAdd(v, hn::Set(d, centred), hn::Sub(upstream(d, i), hn::Set(d, constant)));
        out = hn::Mul(out, hn::Set(d, rstd));
        if (write == Write::accumulate) out = hn::Add(out, hn::LoadU(d, dx + i));
        hn::StoreU(hn::MulAdd(g, v, hn::LoadU(d, dweight + i)), d, dweight + i);
        hn::StoreU(hn::Add(g, hn::LoadU(d, dbias + i)), d, dbias + i);
        hn::StoreU(out, d, dx + i);
    });
}

void forward_f32(Index n, const float* x, const float* weight, const float* bias, float* y, float* mean,
                 float* rstd) {
    forward_row(n, x, weight, bias, y, mean, rstd);
}
void forward_f64(Index n, const double* x, const double* weight, const double* bias, double* y, double* mean,
                 double* rstd) {
    forward_row(n, x, weight, bias, y, mean, rstd);
}
void backward_f32(Index n, const float* dy, const float* x, const float* weight, float mean, float rstd,
                  float* dx, Write write, float* dweight, float* dbias) {
    backward_row(n, dy, x, weight, mean, rstd, dx, write, dweight, dbias);
}
void backward_f64(Index n, const double* dy, const double* x, const double* weight, double mean, double rstd,
                  double* dx, Write write, double* dweight, double* dbias) {
    backward_row(n, dy, x, weight, mean, rstd, dx, write, dweight, dbias);
}

}  // namespace
}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr {
namespace {

constexpr Index kRowsPerTask = 32;

Index tasks(Index rows) {
    return (rows + kRowsPerTask - 1) / kRowsPerTask;
}

}  // namespace

Index layer_norm_workspace(Index channels, Index rows) {
    return std::max(tasks(rows) * 2 * channels, cuda::layer_norm_workspace(channels, rows));
}

namespace cpu {
namespace {

ABR_SIMD_DISPATCH(forward)
ABR_SIMD_DISPATCH(backward)

// f(b, t, r) for the rows of a task, r = b * length + t.
template <class T, class F>
void for_each_row(Sequence<T> s, Index task, const F& f) {
    const Index rows = s.batch * s.length;
    for (Index r = task * kRowsPerTask; r < std::min(rows, (task + 1) * kRowsPerTask); ++r)
        f(r / s.length, r % s.length, r);
}

}  // namespace

template <class T>
void layer_norm_forward(Stream& stream, Sequence<const T> x, const T* weight, const T* bias, Sequence<T> y,
                        T* mean, T* rstd) {
    const ProfileScope scope(stream.profile(), __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    const auto forward = forward_function<T>();
    stream.parallel_for(tasks(x.batch * x.length), [&](Index task) {
        for_each_row(x, task, [&](Index b, Index t, Index r) {
            if (t == 0) zero_padding(y, b);
            forward(x.channels, x.row(b, t), weight, bias, y.row(b, t), mean + r, rstd + r);
        });
    });
}

template <class T>
void layer_norm_backward(Stream& stream, Sequence<const T> dy, Sequence<const T> x, const T* weight,
                         const T* mean, const T* rstd, Sequence<T> dx, Write write, T* dweight, T* dbias,
                         T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_alike(__func__, {{"x", x}, {"dy", dy}, {"dx", dx}});
    const auto backward = backward_function<T>();
    const Index channels = x.channels;
    const Index count = tasks(x.batch * x.length);
    stream.parallel_for(count, [&](Index task) {
        T* partial = workspace + task * 2 * channels;
        std::fill_n(partial, 2 * channels, T{0});
        for_each_row(x, task, [&](Index b, Index t, Index r) {
            if (t == 0) zero_padding(dx, b);
            backward(channels, dy.row(b, t), x.row(b, t), weight, mean[r], rstd[r], dx.row(b, t), write,
                     partial, partial + channels);
        });
    });
    add_partial_sums(stream, workspace, count, 2 * channels, channels, dweight);
    add_partial_sums(stream, workspace + channels, count, 2 * channels, channels, dbias);
}

template void layer_norm_forward(Stream&, Sequence<const float>, const float*, const float*, Sequence<float>,
                                 float*, float*);
template void layer_norm_forward(Stream&, Sequence<const double>, const double*, const double*,
                                 Sequence<double>, double*, double*);
template void layer_norm_backward(Stream&, Sequence<const float>, Sequence<const float>, const float*,
                                  const float*, const float*, Sequence<float>, Write, float*, float*, float*);
template void layer_norm_backward(Stream&, Sequence<const double>, Sequence<const double>, const double*,
                                  const double*, const double*, Sequence<double>, Write, double*, double*,
                                  double*);

}  // namespace cpu
}  // namespace abr
#endif
