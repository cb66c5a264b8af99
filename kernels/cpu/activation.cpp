// GELU and dropout of kernels/activation.hpp: one task a recording.
#include "kernels/cpu/simd_levels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/activation.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each SIMD level
#include <hwy/highway.h>

#include "kernels/activation.hpp"
#include "kernels/cpu/simd_dispatch.hpp"
#include "kernels/cpu/simd_math.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/operand_checks.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace {

// f(tag, i, factor) over the n elements of recording b.
template <class T, class F>
HWY_INLINE void for_each_with_factor(const Dropout& dropout, Index b, Index n, const F& f) {
    using Factors = DropoutFactors<T>;
    Factors factors(dropout, b);
    for (Index begin = 0; begin < n; begin += Factors::kCapacity) {
        const Index count = std::min(Factors::kCapacity, n - begin);
        factors.draw(begin, count);
        for_each_vector<T>(
            count, [&](auto d, Index i) HWY_ATTR { f(d, begin + i, hn::LoadU(d, factors.data() + i)); });
    }
}

template <class T>
void forward_recording(const Dropout& dropout, Index b, Index n, const T* x, T* y) {
    for_each_with_factor<T>(dropout, b, n, [&](auto d, Index i, auto factor) HWY_ATTR {
        hn::StoreU(hn::Mul(gelu(d, hn::LoadU(d, x + i)), factor), d, y + i);
    });
}

template <class T>
void backward_recording(const Dropout& dropout, Index b, Index n, const T* dy, const T* x, T* dx) {
    for_each_with_factor<T>(dropout, b, n, [&](auto d, Index i, auto factor) HWY_ATTR {
        const auto g = hn::Mul(hn::LoadU(d, dy + i), factor);
        hn::StoreU(hn::Mul(g, gelu_derivative(d, hn::LoadU(d, x + i))), d, dx + i);
    });
}

void forward_f32(const Dropout& dropout, Index b, Index n, const float* x, float* y) {
    forward_recording(dropout, b, n, x, y);
}
void forward_f64(const Dropout& dropout, Index b, Index n, const double* x, double* y) {
    forward_recording(dropout, b, n, x, y);
}
void backward_f32(const Dropout& dropout, Index b, Index n, const float* dy, const float* x, float* dx) {
    backward_recording(dropout, b, n, dy, x, dx);
}
void backward_f64(const Dropout& dropout, Index b, Index n, const double* dy, const double* x, double* dx) {
    backward_recording(dropout, b, n, dy, x, dx);
}

}  // namespace
}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr::cpu {
namespace {

ABR_SIMD_DISPATCH(forward)
ABR_SIMD_DISPATCH(backward)

// f(b, at, n): recording b is the n elements from `at` on.
template <class T, class F>
void for_each_recording(Stream& stream, Matrix<T> x, Index rows_per_recording, const F& f) {
    stream.parallel_for((x.rows + rows_per_recording - 1) / rows_per_recording, [&](Index b) {
        const Index begin = b * rows_per_recording;
        f(b, begin * x.columns, std::min(rows_per_recording, x.rows - begin) * x.columns);
    });
}

}  // namespace

template <class T>
void gelu_forward(Stream& stream, Matrix<const T> x, const Dropout& dropout, Index rows_per_recording,
                  Matrix<T> y) {
    const ProfileScope scope(stream.profile(), __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    const auto forward = forward_function<T>();
    for_each_recording(stream, x, rows_per_recording,
                       [&](Index b, Index at, Index n) { forward(dropout, b, n, x.data + at, y.data + at); });
}

template <class T>
void gelu_backward(Stream& stream, Matrix<const T> dy, Matrix<const T> x, const Dropout& dropout,
                   Index rows_per_recording, Matrix<T> dx) {
    const ProfileScope scope(stream.profile(), __func__);
    check_alike(__func__, {{"x", x}, {"dy", dy}, {"dx", dx}});
    const auto backward = backward_function<T>();
    for_each_recording(stream, x, rows_per_recording, [&](Index b, Index at, Index n) {
        backward(dropout, b, n, dy.data + at, x.data + at, dx.data + at);
    });
}

template void gelu_forward(Stream&, Matrix<const float>, const Dropout&, Index, Matrix<float>);
template void gelu_forward(Stream&, Matrix<const double>, const Dropout&, Index, Matrix<double>);
template void gelu_backward(Stream&, Matrix<const float>, Matrix<const float>, const Dropout&, Index,
                            Matrix<float>);
template void gelu_backward(Stream&, Matrix<const double>, Matrix<const double>, const Dropout&, Index,
                            Matrix<double>);

}  // namespace abr::cpu
#endif
