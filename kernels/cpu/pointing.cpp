// Pointing of kernels/pointing.hpp, one task a recording.
#include "kernels/cpu/simd_levels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pointing.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each SIMD level
#include <hwy/highway.h>

#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/simd_dispatch.hpp"
#include "kernels/cpu/simd_math.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/operand_checks.hpp"
#include "kernels/pointing.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace {

template <class T>
void forward_sample(const SamplePlaces& places, const PointingForward<T>& f, Index b) {
    T* const a = f.a.row(b);
    for (Index t = 0; t < places.window; ++t) a[t] = f.score.row(b, t)[0];
    softmax(a, places.window, T{1});
    double mean = 0;
    for (Index t = 0; t < places.window; ++t) mean += static_cast<double>(a[t]) * static_cast<double>(t);
    f.place.row(b)[0] = static_cast<T>(places.first + places.step * mean);
    for_each_vector<T>(f.x.channels, [&](auto d, Index c) HWY_ATTR {
        auto sum = hn::Zero(d);
        for (Index t = 0; t < places.window; ++t)
            sum = hn::MulAdd(hn::Set(d, a[t]), hn::LoadU(d, f.x.row(b, t) + c), sum);
        hn::StoreU(sum, d, f.reading.row(b) + c);
    });
}

// d_a: (window) scratch.
template <class T>
void backward_sample(const SamplePlaces& places, const PointingBackward<T>& g, Index b, T* d_a) {
    const T* const a = g.a.row(b);
    const T* const dreading = g.dreading.row(b);
    const double slope = static_cast<double>(g.dplace.row(b)[0]) * places.step;
    double mean = 0;
    for (Index t = 0; t < places.window; ++t) {
        const T* const x = g.x.row(b, t);
        T* const dx = g.dx.row(b, t);
        const T read = sum_of<T>(g.x.channels, [&](auto d, Index c) HWY_ATTR {
            const auto dy = hn::LoadU(d, dreading + c);
            const auto share = hn::Mul(dy, hn::Set(d, a[t]));
            hn::StoreU(g.write_x == Write::accumulate ? hn::Add(hn::LoadU(d, dx + c), share) : share, d,
                       dx + c);
            return hn::Mul(dy, hn::LoadU(d, x + c));
        });
        d_a[t] = static_cast<T>(static_cast<double>(read) + slope * static_cast<double>(t));
        mean += static_cast<double>(a[t]) * static_cast<double>(d_a[t]);
    }
    for (Index t = 0; t < places.window; ++t) {
        T& d_score = *g.dscore.row(b, t);
        const T share = a[t] * static_cast<T>(static_cast<double>(d_a[t]) - mean);
        d_score = g.write_score == Write::accumulate ? d_score + share : share;
    }
    const auto clear_beyond = [&](const Sequence<T>& s, Write write) {
        if (write == Write::overwrite) std::fill(s.row(b, places.window), s.row(b, s.length), T{0});
    };
    clear_beyond(g.dscore, g.write_score);
    clear_beyond(g.dx, g.write_x);
}

void forward_f32(const SamplePlaces& places, const PointingForward<float>& f, Index b) {
    forward_sample(places, f, b);
}
void forward_f64(const SamplePlaces& places, const PointingForward<double>& f, Index b) {
    forward_sample(places, f, b);
}
void backward_f32(const SamplePlaces& places, const PointingBackward<float>& g, Index b, float* d_a) {
    backward_sample(places, g, b, d_a);
}
void backward_f64(const SamplePlaces& places, const PointingBackward<double>& g, Index b, double* d_a) {
    backward_sample(places, g, b, d_a);
}

}  // namespace
}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr::cpu {
namespace {

ABR_SIMD_DISPATCH(forward)
ABR_SIMD_DISPATCH(backward)

}  // namespace

template <class T>
void pointing_forward(Stream& stream, const SamplePlaces& places, const PointingForward<T>& f) {
    const ProfileScope scope(stream.profile(), __func__);
    check_pointing(__func__, places, {"score", f.score}, {"x", f.x}, {"a", f.a}, {"place", f.place},
                   {"reading", f.reading});
    const auto forward = forward_function<T>();
    stream.parallel_for(f.x.batch, [&](Index b) { forward(places, f, b); });
}

template <class T>
void pointing_backward(Stream& stream, const SamplePlaces& places, const PointingBackward<T>& g) {
    const ProfileScope scope(stream.profile(), __func__);
    check_pointing(__func__, places, {"dscore", g.dscore}, {"x", g.x}, {"a", g.a}, {"dplace", g.dplace},
                   {"dreading", g.dreading});
    check_alike(__func__, {{"x", g.x}, {"dx", g.dx}});
    const auto backward = backward_function<T>();
    stream.parallel_for(g.x.batch, [&](Index b) {
        zero_padding(g.dscore, b);
        zero_padding(g.dx, b);
        backward(places, g, b, g.workspace + b * places.window);
    });
}

template void pointing_forward(Stream&, const SamplePlaces&, const PointingForward<float>&);
template void pointing_forward(Stream&, const SamplePlaces&, const PointingForward<double>&);
template void pointing_backward(Stream&, const SamplePlaces&, const PointingBackward<float>&);
template void pointing_backward(Stream&, const SamplePlaces&, const PointingBackward<double>&);

}  // namespace abr::cpu
#endif
