// The products of kernels/windows.hpp on the device.
#pragma once

#include <algorithm>
#include <array>

#include "kernels/cuda/gemm.cuh"
#include "kernels/windows.hpp"

namespace abr::cuda {

// The real rows of a sequence, from row(0, first) on, `step` rows apart, `length` a sample.
inline Axis rows_of(const Sequence<const float>& s, Index length, Index step) {
    return {s.batch * length, length, s.sample_stride(), step * s.channels};
}

inline void convolve(Stream& stream, const Windows& w, Sequence<const float> x,
                     const WeightView<float>& weight, const float* bias, Sequence<float> y, Write write) {
    const Index depth = w.kernel * x.channels;
    const Product product = {.a = Operand(x.row(0, -w.padding), rows_of(x, y.length, w.stride),
                                          Axis(depth, x.channels, w.dilation * x.channels, 1), true),
                             .b = Operand(weight.data, Axis(y.channels, weight.out),
                                          Axis(depth, x.channels, weight.tap, weight.in), weight.out != 1),
                             .c = Output(y.row(0, 0), rows_of(y, y.length, 1), Axis(y.channels, 1)),
                             .bias = bias,
                             .write = write};
    multiply(stream, {&product, 1}, y);
}

inline void convolve_transposed(Stream& stream, const Windows& w, Sequence<const float> x,
                                const WeightView<float>& weight, const float* bias, Sequence<float> y,
                                Write write) {
    const Index phases = std::min(w.stride, y.length);
    for (Index begin = 0; begin < phases; begin += kMaxPhases) {
        const Index count = std::min(phases - begin, kMaxPhases);
        std::array<Product, kMaxPhases> products;
        for (Index i = 0; i < count; ++i) {
            const Phase phase = transposed_phase(w, y.length, begin + i);
            const Index depth = phase.taps * x.channels;
            products[static_cast<std::size_t>(i)] = {
                .a = Operand(x.row(0, phase.position), rows_of(x, phase.length, 1),
                             Axis(depth, x.channels, phase.row_step * x.channels, 1), true),
                .b = Operand(weight.data + phase.last_tap * weight.tap, Axis(y.channels, weight.out),
                             Axis(depth, x.channels, -phase.tap_step * weight.tap, weight.in),
                             weight.out != 1),
                .c = Output(y.row(0, begin + i), rows_of(y, phase.length, w.stride), Axis(y.channels, 1)),
                .bias = bias,
                .write = write};
        }
        multiply(stream, std::span(products).first(static_cast<std::size_t>(count)),
                 begin == 0 ? y : Sequence<float>{});
    }
}

}  // namespace abr::cuda
