// GroupNorm of kernels/norm.hpp. One task a sample, so that its rows stay in the first two cache levels over
// all passes; vectors run across channels, and what is constant over time is folded into per-channel tables.
#include "kernels/cpu/simd_levels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/group_norm.cpp"
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

// Channels are taken in blocks, so that the tables of a block have a fixed size on the stack and at least 16 rows of
// dropout factors fit.
constexpr Index kBlock = 128;

// sums[c] = sum over rows of x[.,c], or of (x[.,c] - centre[c])^2; `centre` null or (columns).
template <class T>
HWY_NOINLINE void column_sums(const T* x, Index rows, Index stride, Index columns, const T* centre, T* sums) {
    for_each_panel<T>(columns, [&](auto d, auto count, Index c) HWY_ATTR {
        constexpr int k = count;
        using V = hn::Vec<decltype(d)>;
        const auto step = static_cast<Index>(hn::Lanes(d));
        // Four interleaved sums a column: shorter dependency chains, and less rounding than one.
        V sum[4][k];
        V shift[k];
        for (int j = 0; j < k; ++j) {
            for (auto& part : sum) part[j] = hn::Zero(d);
            shift[j] = centre ? hn::LoadU(d, centre + c + j * step) : hn::Zero(d);
        }
        const auto add = [&](int part, Index t) HWY_ATTR {
            for (int j = 0; j < k; ++j) {
                const V v = hn::Sub(hn::LoadU(d, x + t * stride + c + j * step), shift[j]);
                sum[part][j] = centre ? hn::MulAdd(v, v, sum[part][j]) : hn::Add(sum[part][j], v);
            }
        };
        Index t = 0;
        for (; t + 4 <= rows; t += 4)
            for (int part = 0; part < 4; ++part) add(part, t + part);
        for (; t < rows; ++t) add(0, t);
        for (int j = 0; j < k; ++j)
            hn::StoreU(hn::Add(hn::Add(sum[0][j], sum[1][j]), hn::Add(sum[2][j], sum[3][j])), d,
                       sums + c + j * step);
    });
}

// f(begin, n) for each block of channels.
template <class F>
HWY_INLINE void for_each_block(Index channels, const F& f) {
    for (Index begin = 0; begin < channels; begin += kBlock) f(begin, std::min(kBlock, channels - begin));
}

// f(from, to, group, ends) for each run [from, to) of a block's channels that is in one group; `ends`: the group's
// last channels are among them.
template <class F>
HWY_INLINE void for_each_group(const GroupNorm& op, Index begin, Index n, const F& f) {
    const Index per_group = op.channels / op.groups;
    for (Index from = 0; from < n;) {
        const Index group = (begin + from) / per_group;
        const Index end = (group + 1) * per_group - begin;
        const Index to = std::min(n, end);
        f(from, to, group, to == end);
        from = to;
    }
}

// mean, rstd (groups) of one sample.
template <class T>
void statistics(const GroupNorm& op, const T* x, Index length, T* mean, T* rstd) {
    const double count = static_cast<double>(op.channels / op.groups * length);
    T sums[kBlock];
    T centre[kBlock];
    double sum = 0;  // of the group so far; groups may cross blocks
    const auto add_block = [&](Index begin, Index n, T* out, auto finish) {
        for_each_group(op, begin, n, [&](Index from, Index to, Index group, bool ends) {
            for (Index i = from; i < to; ++i) sum += static_cast<double>(sums[i]);
            if (!ends) return;
            out[group] = static_cast<T>(finish(sum / count));
            sum = 0;
        });
    };
    for_each_block(op.channels, [&](Index begin, Index n) HWY_ATTR {
        column_sums<T>(x + begin, length, op.channels, n, nullptr, sums);
        add_block(begin, n, mean, [](double m) { return m; });
    });
    for_each_block(op.channels, [&](Index begin, Index n) HWY_ATTR {
        for_each_group(op, begin, n, [&](Index from, Index to, Index group, bool) {
            std::fill(centre + from, centre + to, mean[group]);
        });
        column_sums<T>(x + begin, length, op.channels, n, centre, sums);
        add_block(begin, n, rstd, [](double v) { return 1 / std::sqrt(v + kNormEpsilon); });
    });
}

// z = (x - mean) * slope + offset for the channels of a block: normalisation, affine map and FiLM in one.
template <class T>
struct Tables {
    T mean[kBlock];
    T slope[kBlock];
    T offset[kBlock];

    Tables(const GroupNorm& op, Index begin, Index n, const T* weight, const T* bias, const T* film,
           const T* group_mean, const T* group_rstd) {
        for_each_group(op, begin, n, [&](Index from, Index to, Index group, bool) {
            for (Index i = from; i < to; ++i) {
                mean[i] = group_mean[group];
                slope[i] = group_rstd[group] * weight[begin + i];
                offset[i] = bias[begin + i];
            }
        });
        if (!film) return;
        for (Index i = 0; i < n; ++i) {
            const T gain = T{1} + film[begin + i];
            slope[i] *= gain;
            offset[i] = offset[i] * gain + film[op.channels + begin + i];
        }
    }
};

// k vectors of a table, held in registers over a loop.
template <int k, class D, class T>
struct Held {
    hn::Vec<D> v[k];
    Held(D d, const T* from) {
        for (int j = 0; j < k; ++j) v[j] = hn::LoadU(d, from + j * static_cast<Index>(hn::Lanes(d)));
    }
    const hn::Vec<D>& operator[](int j) const { return v[j]; }
};

// f(t0, rows) for runs of rows that one DropoutFactors holds (as (rows, n)), with the factors drawn.
template <class T, class F>
HWY_INLINE void for_each_run(DropoutFactors<T>& factors, Index length, Index channels, Index begin, Index n,
                             const F& f) {
    // Short runs also bound the rounding of the sums that the backward pass takes over each.
    const Index run = std::clamp<Index>(DropoutFactors<T>::kCapacity / n, 1, 32);
    for (Index t0 = 0; t0 < length; t0 += run) {
        const Index rows = std::min(run, length - t0);
        if (n == channels)
            factors.draw(t0 * channels, rows * channels);
        else
            for (Index t = 0; t < rows; ++t) factors.draw((t0 + t) * channels + begin, n, t * n);
        f(t0, rows);
    }
}

template <class T>
void forward_sample(const GroupNorm& op, const GroupNormForward<T>& a, Index b) {
    T* mean = a.mean + b * op.groups;
    T* rstd = a.rstd + b * op.groups;
    const T* x = a.x.row(b, 0);
    const T* residual = a.residual.data ? a.residual.row(b, 0) : nullptr;
    T* y = a.y.row(b, 0);
    statistics<T>(op, x, a.x.length, mean, rstd);
    const T* film = a.film ? a.film + b * 2 * op.channels : nullptr;
    DropoutFactors<T> factors(a.dropout, b);
    for_each_block(op.channels, [&](Index begin, Index n) HWY_ATTR {
        const Tables<T> tables(op, begin, n, a.weight, a.bias, film, mean, rstd);
        for_each_run(factors, a.x.length, op.channels, begin, n, [&](Index t0, Index rows) HWY_ATTR {
            for_each_panel<T>(n, [&](auto d, auto count, Index c) HWY_ATTR {
                constexpr int k = count;
                using D = decltype(d);
                const auto step = static_cast<Index>(hn::Lanes(d));
                const Held<k, D, T> centre(d, tables.mean + c);
                const Held<k, D, T> slope(d, tables.slope + c);
                const Held<k, D, T> offset(d, tables.offset + c);
                for (Index t = 0; t < rows; ++t) {
                    const Index at = (t0 + t) * op.channels + begin + c;
                    const T* factor = factors.data() + t * n + c;
                    for (int j = 0; j < k; ++j) {
                        const Index i = at + j * step;
                        auto z = hn::MulAdd(hn::Sub(hn::LoadU(d, x + i), centre[j]), slope[j], offset[j]);
                        if (residual) z = hn::Add(z, hn::LoadU(d, residual + i));
                        if (op.gelu) z = gelu(d, z);
                        hn::StoreU(hn::Mul(z, hn::LoadU(d, factor + j * step)), d, y + i);
                    }
                }
            });
        });
    });
}

// Pass 1 of a block: dz, the gradient with respect to z, to `dz`; its sums over time to sum (n), those of
// dz * (x - mean) to moment (n).
template <class T>
HWY_INLINE void backward_argument(const GroupNorm& op, const GroupNormBackward<T>& a, Index b, Index begin,
                                  Index n, const Tables<T>& tables, DropoutFactors<T>& factors, T* dz, T* sum,
                                  T* moment) {
    std::fill_n(sum, n, T{0});
    std::fill_n(moment, n, T{0});
    const T* dy = a.dy.row(b, 0);
    const T* x = a.x.row(b, 0);
    const T* residual = a.residual.data ? a.residual.row(b, 0) : nullptr;
    for_each_run(factors, a.x.length, op.channels, begin, n, [&](Index t0, Index rows) HWY_ATTR {
        for_each_panel<T>(n, [&](auto d, auto count, Index c) HWY_ATTR {
            constexpr int k = count;
            using D = decltype(d);
            using V = hn::Vec<D>;
            const auto step = static_cast<Index>(hn::Lanes(d));
            const Held<k, D, T> centre(d, tables.mean + c);
            const Held<k, D, T> slope(d, tables.slope + c);
            const Held<k, D, T> offset(d, tables.offset + c);
            V run_sum[k];
            V run_moment[k];
            for (int j = 0; j < k; ++j) run_sum[j] = run_moment[j] = hn::Zero(d);
            for (Index t = 0; t < rows; ++t) {
                const Index at = (t0 + t) * op.channels + begin + c;
                const T* factor = factors.data() + t * n + c;
                for (int j = 0; j < k; ++j) {
                    const Index i = at + j * step;
                    const V centred = hn::Sub(hn::LoadU(d, x + i), centre[j]);
                    V g = hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, factor + j * step));
                    if (op.gelu) {
                        V z = hn::MulAdd(centred, slope[j], offset[j]);
                        if (residual) z = hn::Add(z, hn::LoadU(d, residual + i));
                        g = hn::Mul(g, gelu_derivative(d, z));
                    }
                    hn::StoreU(g, d, dz + i);
                    run_sum[j] = hn::Add(run_sum[j], g);
                    run_moment[j] = hn::MulAdd(g, centred, run_moment[j]);
                }
            }
            for (int j = 0; j < k; ++j) {
                const Index i = c + j * step;
                hn::StoreU(hn::Add(hn::LoadU(d, sum + i), run_sum[j]), d, sum + i);
                hn::StoreU(hn::Add(hn::LoadU(d, moment + i), run_moment[j]), d, moment + i);
            }
        });
    });
}

// Pass 2 of a block: dx = dz * slope - constant - scale * (x - mean), where for a group of n elements
// constant = sum(dz * slope) / n and scale = rstd^2 * sum(dz * slope * (x - mean)) / n.
template <class T>
HWY_INLINE void backward_input(const T* x, const T* dz, Index length, Index channels, Index n,
                               const Tables<T>& tables, const T* constant, const T* scale, T* dx) {
    for_each_panel<T>(n, [&](auto d, auto count, Index c) HWY_ATTR {
        constexpr int k = count;
        using D = decltype(d);
        const auto step = static_cast<Index>(hn::Lanes(d));
        const Held<k, D, T> centre(d, tables.mean + c);
        const Held<k, D, T> slope(d, tables.slope + c);
        const Held<k, D, T> minus(d, constant + c);
        const Held<k, D, T> factor(d, scale + c);
        for (Index t = 0; t < length; ++t)
            for (int j = 0; j < k; ++j) {
                const Index i = t * channels + c + j * step;
                // Not fused: the difference is exactly 0 where a group has one element.
                const auto g = hn::Sub(hn::Mul(hn::LoadU(d, dz + i), slope[j]), minus[j]);
                hn::StoreU(hn::NegMulAdd(hn::Sub(hn::LoadU(d, x + i), centre[j]), factor[j], g), d, dx + i);
            }
    });
}

// Gradients of one sample. Its part of the workspace, (2 * (channels + groups)), ends with its shares of dbias and
// dweight in front.
template <class T>
void backward_sample(const GroupNorm& op, const GroupNormBackward<T>& a, Index b) {
    const Index channels = op.channels;
    const T* mean = a.mean + b * op.groups;
    const T* rstd = a.rstd + b * op.groups;
    const T* film = a.film ? a.film + b * 2 * channels : nullptr;
    T* dz = a.dresidual.data ? a.dresidual.row(b, 0) : a.dx.row(b, 0);
    T* sum = a.workspace + b * 2 * (channels + op.groups);
    T* moment = sum + channels;
    T* group_constant = moment + channels;
    T* group_scale = group_constant + op.groups;

    DropoutFactors<T> factors(a.dropout, b);
    const double count = static_cast<double>(channels / op.groups * a.x.length);
    double group_sum = 0;
    double group_moment = 0;
    for_each_block(channels, [&](Index begin, Index n) HWY_ATTR {
        const Tables<T> tables(op, begin, n, a.weight, a.bias, film, mean, rstd);
        backward_argument(op, a, b, begin, n, tables, factors, dz, sum + begin, moment + begin);
        for_each_group(op, begin, n, [&](Index from, Index to, Index group, bool ends) {
            for (Index i = from; i < to; ++i) {
                const double slope = static_cast<double>(tables.slope[i]);
                group_sum += slope * static_cast<double>(sum[begin + i]);
                group_moment += slope * static_cast<double>(moment[begin + i]);
            }
            if (!ends) return;
            const double r = static_cast<double>(rstd[group]);
            group_constant[group] = static_cast<T>(group_sum / count);
            group_scale[group] = static_cast<T>(r * r * group_moment / count);
            group_sum = 0;
            group_moment = 0;
        });
    });
    for_each_block(channels, [&](Index begin, Index n) HWY_ATTR {
        const Tables<T> tables(op, begin, n, a.weight, a.bias, film, mean, rstd);
        T constant[kBlock];
        T scale[kBlock];
        for_each_group(op, begin, n, [&](Index from, Index to, Index group, bool) {
            std::fill(constant + from, constant + to, group_constant[group]);
            std::fill(scale + from, scale + to, group_scale[group]);
        });
        backward_input(a.x.row(b, 0) + begin, dz + begin, a.x.length, channels, n, tables, constant, scale,
                       a.dx.row(b, 0) + begin);
    });
    for_each_group(op, 0, channels, [&](Index from, Index to, Index group, bool) {
        for (Index c = from; c < to; ++c) moment[c] *= rstd[group];
    });
    if (!film) return;
    T* dfilm = a.dfilm + b * 2 * channels;
    for (Index c = 0; c < channels; ++c) {
        dfilm[c] = a.weight[c] * moment[c] + a.bias[c] * sum[c];
        dfilm[channels + c] = sum[c];
        moment[c] *= T{1} + film[c];
        sum[c] *= T{1} + film[c];
    }
}

void forward_f32(const GroupNorm& op, const GroupNormForward<float>& a, Index b) {
    forward_sample(op, a, b);
}
void forward_f64(const GroupNorm& op, const GroupNormForward<double>& a, Index b) {
    forward_sample(op, a, b);
}
void backward_f32(const GroupNorm& op, const GroupNormBackward<float>& a, Index b) {
    backward_sample(op, a, b);
}
void backward_f64(const GroupNorm& op, const GroupNormBackward<double>& a, Index b) {
    backward_sample(op, a, b);
}

}  // namespace
}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr {

Index group_norm_workspace(const GroupNorm& op, Index batch) {
    return std::max(batch * 2 * (op.channels + op.groups), cuda::group_norm_workspace(op, batch));
}

namespace cpu {
namespace {

ABR_SIMD_DISPATCH(forward)
ABR_SIMD_DISPATCH(backward)

}  // namespace

template <class T>
void group_norm_forward(Stream& stream, const GroupNorm& op, const GroupNormForward<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    check_group_norm(__func__, op, a);
    const auto forward = forward_function<T>();
    stream.parallel_for(a.x.batch, [&](Index b) {
        forward(op, a, b);
        zero_padding(a.y, b);
    });
}

template <class T>
void group_norm_backward(Stream& stream, const GroupNorm& op, const GroupNormBackward<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    check_group_norm(__func__, op, a);
    const auto backward = backward_function<T>();
    stream.parallel_for(a.x.batch, [&](Index b) {
        backward(op, a, b);
        zero_padding(a.dx, b);
        if (a.dresidual.data) zero_padding(a.dresidual, b);
    });
    const Index stride = 2 * (op.channels + op.groups);
    add_partial_sums(stream, a.workspace, a.x.batch, stride, op.channels, a.dbias);
    add_partial_sums(stream, a.workspace + op.channels, a.x.batch, stride, op.channels, a.dweight);
}

template void group_norm_forward(Stream&, const GroupNorm&, const GroupNormForward<float>&);
template void group_norm_forward(Stream&, const GroupNorm&, const GroupNormForward<double>&);
template void group_norm_backward(Stream&, const GroupNorm&, const GroupNormBackward<float>&);
template void group_norm_backward(Stream&, const GroupNorm&, const GroupNormBackward<double>&);

}  // namespace cpu
}  // namespace abr
#endif
