#include <algorithm>

#include "kernels/conv1d.hpp"
#include "kernels/cpu/gemm_convolution.hpp"
#include "kernels/cpu/winograd.hpp"
#include "kernels/cuda/gemm_plan.hpp"
#include "kernels/operand_checks.hpp"

namespace abr {
namespace {

// The taps move over dy: a is x itself.
cpu::WeightShape weight_shape(const ConvTranspose1d& op, Index batch, Index length) {
    return {.samples = batch,
            .rows = length,
            .taps = op.kernel,
            .channels = op.in_channels,
            .columns = op.out_channels};
}

}  // namespace

Index conv_transpose1d_pad(const ConvTranspose1d& op) {
    return std::max(convolve_pad(windows(op)), convolve_transposed_pad(windows(op)));
}

Index conv_transpose1d_workspace(const ConvTranspose1d& op, Index batch, Index length) {
    return std::max(
        {cpu::row_product_workspace(op.kernel, op.in_channels, op.out_channels),
         cpu::row_product_workspace(op.kernel, op.out_channels, op.in_channels),
         cpu::weight_product_workspace(weight_shape(op, batch, length)),
         cpu::winograd_workspace(windows(op), op.in_channels, op.out_channels, batch, op.out_length(length)),
         cpu::column_sums_workspace(batch, op.out_channels),
         cuda::weight_gradient_workspace(op.in_channels, op.kernel * op.out_channels, batch * length,
                                         op.out_channels, batch * op.out_length(length))});
}

namespace cpu {

template <class T>
void conv_transpose1d_forward(Stream& stream, const ConvTranspose1d& op, Sequence<const T> x, const T* weight,
                              const T* bias, Sequence<T> y, T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_convolution(__func__, op, {"x", x}, {"y", y}, x.pad >= convolve_transposed_pad(windows(op)));
    convolve_transposed<T>(stream, windows(op), x, forward_weights(op, weight), bias, y, Write::overwrite,
                           workspace);
}

template <class T>
void conv_transpose1d_backward_data(Stream& stream, const ConvTranspose1d& op, Sequence<const T> dy,
                                    const T* weight, Sequence<T> dx, Write write, T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_convolution(__func__, op, {"dx", dx}, {"dy", dy}, dy.pad >= convolve_pad(windows(op)));
    convolve<T>(stream, windows(op), dy, backward_weights(op, weight), nullptr, dx, write, workspace);
}

template <class T>
void conv_transpose1d_backward_weight(Stream& stream, const ConvTranspose1d& op, Sequence<const T> x,
                                      Sequence<const T> dy, T* dweight, T* dbias, T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_convolution(__func__, op, {"x", x}, {"dy", dy}, dy.pad >= convolve_pad(windows(op)));
    accumulate_weight_product<T>(stream,
                                 {.shape = weight_shape(op, x.batch, x.length),
                                  .a = x.row(0, 0),
                                  .a_sample = x.sample_stride(),
                                  .g = dy.row(0, -op.padding),
                                  .g_sample = dy.sample_stride(),
                                  .g_row = op.stride * dy.channels,
                                  .g_tap = dy.channels,
                                  .dw = dweight},
                                 workspace);
    if (dbias) accumulate_column_sums(stream, dy, dbias, workspace);
}

#define ABR_INSTANTIATE(T)                                                                               \
    template void conv_transpose1d_forward(Stream&, const ConvTranspose1d&, Sequence<const T>, const T*, \
                                           const T*, Sequence<T>, T*);                                   \
    template void conv_transpose1d_backward_data(Stream&, const ConvTranspose1d&, Sequence<const T>,     \
                                                 const T*, Sequence<T>, Write, T*);                      \
    template void conv_transpose1d_backward_weight(Stream&, const ConvTranspose1d&, Sequence<const T>,   \
                                                   Sequence<const T>, T*, T*, T*);
ABR_INSTANTIATE(float)
ABR_INSTANTIATE(double)
#undef ABR_INSTANTIATE

}  // namespace cpu
}  // namespace abr
