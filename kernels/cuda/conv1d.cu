#include "kernels/conv1d.hpp"

#include "kernels/cuda/convolution.cuh"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {

template <class T>
void conv1d_forward(Stream& stream, const Conv1d& op, Sequence<const T> x, const T* weight, const T* bias,
                    Sequence<T> y, T*) {
    const ProfileScope scope(stream, __func__);
    check_convolution(__func__, op, {"x", x}, {"y", y}, x.pad >= convolve_pad(windows(op)));
    convolve(stream, windows(op), x, forward_weights(op, weight), bias, y, Write::overwrite);
}

template <class T>
void conv1d_backward_data(Stream& stream, const Conv1d& op, Sequence<const T> dy, const T* weight,
                          Sequence<T> dx, Write write, T*) {
    const ProfileScope scope(stream, __func__);
    check_convolution(__func__, op, {"dx", dx}, {"dy", dy}, dy.pad >= convolve_transposed_pad(windows(op)));
    convolve_transposed(stream, windows(op), dy, backward_weights(op, weight), nullptr, dx, write);
}

// The windows of x, transposed, times dy.
template <class T>
void conv1d_backward_weight(Stream& stream, const Conv1d& op, Sequence<const T> x, Sequence<const T> dy,
                            T* dweight, T* dbias, T* workspace) {
    const ProfileScope scope(stream, __func__);
    check_convolution(__func__, op, {"x", x}, {"dy", dy}, x.pad >= convolve_pad(windows(op)));
    const Index in = op.in_channels, out = op.out_channels;
    const Product product = {
        .a = Operand(x.row(0, -op.padding), Axis(op.kernel * in, in, op.dilation * in, 1),
                     rows_of(x, dy.length, op.stride), false),
        .b = Operand(dy.row(0, 0), Axis(out, 1), rows_of(dy, dy.length, 1), false),
        .c = Output(dweight, Axis(op.kernel * in, out), Axis(out, 1))};
    accumulate_weight_product(stream, product, workspace);
    if (dbias) accumulate_column_sums(stream, dy, dbias, workspace);
}

template void conv1d_forward(Stream&, const Conv1d&, Sequence<const float>, const float*, const float*,
                             Sequence<float>, float*);
template void conv1d_backward_data(Stream&, const Conv1d&, Sequence<const float>, const float*,
                                   Sequence<float>, Write, float*);
template void conv1d_backward_weight(Stream&, const Conv1d&, Sequence<const float>, Sequence<const float>,
                                     float*, float*, float*);

}  // namespace abr::cuda
