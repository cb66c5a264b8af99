#include "kernels/cpu/gemm_convolution.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/stream.hpp"

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
    assert(x.pad >= convolve_pad(w) && x.batch == y.batch);
    zero_padding(stream, y);
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

// Row u of y receives x[t] through tap k where t * stride = u + padding - k * dilation. The rows u = first,
// first + stride, ... share their taps: those with k * dilation = u + padding (mod stride). With g =
// gcd(dilation, stride) they are stride / g apart, and t falls by dilation / g from one to the next: a
// convolution of x by every such tap, last one first, that writes every stride-th row of y.
template <class T>
void convolve_transposed(Stream& stream, const Windows& w, Sequence<const T> x, const WeightView<T>& weight,
                         const T* bias, Sequence<T> y, Write write, T* workspace) {
    assert(x.pad >= convolve_transposed_pad(w) && x.batch == y.batch);
    zero_padding(stream, y);
    const Index divisor = std::gcd(w.dilation, w.stride);
    const Index tap_step = w.stride / divisor;
    for (Index first = 0; first < std::min(w.stride, y.length); ++first) {
        const Index position = first + w.padding;
        Index tap = 0;
        while (tap < w.kernel && (position - tap * w.dilation) % w.stride != 0) ++tap;
        const bool none = tap == w.kernel;
        const Index taps = none ? 0 : (w.kernel - 1 - tap) / tap_step + 1;
        const Index last = tap + (taps - 1) * tap_step;
        const Index t = none ? 0 : (position - last * w.dilation) / w.stride;
        const Index length = (y.length - first - 1) / w.stride + 1;
        multiply_rows<T>(stream,
                         {.a = x.row(0, t),
                          .a_rows = {length, x.sample_stride(), x.channels},
                          .rows = y.batch * length,
                          .taps = taps,
                          .tap_stride = w.dilation / divisor * x.channels,
                          .channels = x.channels,
                          .weight = weight.data + (none ? 0 : last * weight.tap),
                          .w_tap = -tap_step * weight.tap,
                          .w_in = weight.in,
                          .w_out = weight.out,
                          .bias = bias,
                          .columns = y.channels,
                          .c = y.row(0, first),
                          .c_rows = {length, y.sample_stride(), w.stride * y.channels},
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
