#include "kernels/conv1d.hpp"

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/gemm_convolution.hpp"
#include "kernels/cpu/winograd.hpp"
#include "kernels/cuda/gemm_plan.hpp"
#include "kernels/operand_checks.hpp"

namespace abr {
namespace {

cpu::WeightShape weight_shape(const Conv1d& op, Index batch, Index length) {
    return {.samples = batch,
            .rows = op.out_length(length),
            .taps = op.kernel,
            .channels = op.in_channels,
            .columns = op.out_channels,
            .a_step = op.stride,
            .a_dilation = op.dilation};
}

}  // namespace

Index conv1d_pad(const Conv1d& op) {
    return std::max(convolve_pad(windows(op)), convolve_transposed_pad(windows(op)));
}

Index conv1d_workspace(const Conv1d& op, Index batch, Index length) {
    return std::max(
        {cpu::row_product_workspace(op.kernel, op.in_channels, op.out_channels),
         cpu::row_product_workspace(op.kernel, op.out_channels, op.in_channels),
         cpu::weight_product_workspace(weight_shape(op, batch, length)),
         cpu::winograd_workspace(windows(op), op.in_channels, op.out_channels, batch, op.out_length(length)),
         cpu::column_sums_workspace(batch, op.out_channels),
         cuda::weight_gradient_workspace(op.kernel * op.in_channels, op.out_channels,
                                         batch * op.out_length(length), op.out_channels,
                                         batch * op.out_length(length))});
}

namespace cpu {

template <class T>
void conv1d_forward(Stream& stream, const Conv1d& op, Sequence<const T> x, const T* weight, const T* bias,
                    Sequence<T> y, T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_convolution(__func__, op, {"x", x}, {"y", y}, x.pad >= convolve_pad(windows(op)));
    convolve<T>(stream, windows(op), x, forward_weights(op, weight), bias, y, Write::overwrite, workspace);
}

template <class T>
void conv1d_backward_data(Stream& stream, const Conv1d& op, Sequence<const T> dy, const T* weight,
                          Sequence<T> dx, Write write, T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_convolution(__func__, op, {"dx", dx}, {"dy", dy}, dy.pad >= convolve_transposed_pad(windows(op)));
    convolve_transposed<T>(stream, windows(op), dy, backward_weights(op, weight), nullptr, dx, write,
                           workspace);
}

template <class T>
void conv1d_backward_weight(Stream& stream, const Conv1d& op, Sequence<const T> x, Sequence<const T> dy,
                            T* dweight, T* dbias, T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_convolution(__func__, op, {"x", x}, {"dy", dy}, x.pad >= convolve_pad(windows(op)));
    if (dbias) accumulate_column_sums(stream, dy, dbias, workspace);
    if constexpr (std::is_same_v<T, float>)
        if (winograd_suits_weight_gradient(windows(op), op.in_channels, op.out_channels,
                                           dy.batch * dy.length))
            return winograd_weight_gradient(stream, windows(op), x, dy, dweight, workspace);
    accumulate_weight_product<T>(stream,
                                 {.shape = weight_shape(op, x.batch, x.length),
                                  .a = x.row(0, -op.padding),
                                  .a_sample = x.sample_stride(),
                                  .g = dy.row(0, 0),
                                  .g_sample = dy.sample_stride(),
                                  .g_row = dy.channels,
                                  .dw = dweight},
                                 workspace);
}

#define ABR_INSTANTIATE(T)                                                                                   \
    template void conv1d_forward(Stream&, const Conv1d&, Sequence<const T>, const T*, const T*, Sequence<T>, \
                                 T*);                                                                        \
    template void conv1d_backward_data(Stream&, const Conv1d&, Sequence<const T>, const T*, Sequence<T>,     \
                                       Write, T*);                                                           \
    template void conv1d_backward_weight(Stream&, const Conv1d&, Sequence<const T>, Sequence<const T>, T*,   \
                                         T*, T*);
ABR_INSTANTIATE(float)
ABR_INSTANTIATE(double)
#undef ABR_INSTANTIATE

}  // namespace cpu
}  // namespace abr
