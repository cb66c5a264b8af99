#include "kernels/cpu/gemm_convolution.hpp"

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/cpu/winograd.hpp"

namespace abr::cpu {
namespace {

template <class T>
void zero_padding(Stream& stream, Sequence<T> y) {
    if (y.pad > 0) stream.parallel_for(y.batch, [&](Index b) { cpu::zero_padding(y, b); });
}

}  // namespace

template <class T>
void convolve(Stream& stream, const Windows& w, Sequence<const T> x, const WeightView<T>& weight,
              const T* bias, Sequence<T> y, Write write, T* workspace) {
    zero_padding(stream, y);
    if constexpr (std::is_same_v<T, float>)
        if (winograd_suits(w, x.channels, y.channels))
            return winograd_convolve(stream, w, x, weight, bias, y, write, workspace);
    multiply_rows<T>(stream,
                     {.a = x.row(0, -w.padding),
                      .a_rows = {y.length, x.sample_stride(), w.stride * x.channels},
                      .rows = y.batch * y.length,
                      .taps = w.kernel,
                      .tap_stride = w.dilation * x.channels,
                      .channels = x.channels,
                      .weight = weight.data,
                      .w_tap = weight.tap,
                      .w_in = weight.in,
                      .w_out = weight.out,
                      .bias = bias,
                      .columns = y.channels,
                      .c = y.row(0, 0),
                      .c_rows = {y.length, y.sample_stride(), y.channels},
                      .write = write},
                     workspace);
}

template <class T>
void convolve_transposed(Stream& stream, const Windows& w, Sequence<const T> x, const WeightView<T>& weight,
                         const T* bias, Sequence<T> y, Write write, T* workspace) {
    zero_padding(stream, y);
    if constexpr (std::is_same_v<T, float>)
        if (winograd_suits(w, x.channels, y.channels))
            return winograd_convolve_transposed(stream, w, x, weight, bias, y, write, workspace);
    for (Index first = 0; first < std::min(w.stride, y.length); ++first) {
        const Phase phase = transposed_phase(w, y.length, first);
        multiply_rows<T>(stream,
                         {.a = x.row(0, phase.position),
                          .a_rows = {phase.length, x.sample_stride(), x.channels},
                          .rows = y.batch * phase.length,
                          .taps = phase.taps,
                          .tap_stride = phase.row_step * x.channels,
                          .channels = x.channels,
                          .weight = weight.data + phase.last_tap * weight.tap,
                          .w_tap = -phase.tap_step * weight.tap,
                          .w_in = weight.in,
                          .w_out = weight.out,
                          .bias = bias,
                          .columns = y.channels,
                          .c = y.row(0, first),
                          .c_rows = {phase.length, y.sample_stride(), w.stride * y.channels},
                          .write = write},
                         workspace);
    }
}

template void convolve(Stream&, const Windows&, Sequence<const float>, const WeightView<float>&, const float*,
                       Sequence<float>, Write, float*);
template void convolve(Stream&, const Windows&, Sequence<const double>, const WeightView<double>&,
                       const double*, Sequence<double>, Write, double*);
template void convolve_transposed(Stream&, const Windows&, Sequence<const float>, const WeightView<float>&,
                                  const float*, Sequence<float>, Write, float*);
template void convolve_transposed(Stream&, const Windows&, Sequence<const double>, const WeightView<double>&,
                                  const double*, Sequence<double>, Write, double*);

}  // namespace abr::cpu
