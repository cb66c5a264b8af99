#include "kernels/linear.hpp"

#include <algorithm>

#include "kernels/cpu/gemm.hpp"
#include "kernels/cuda/gemm_plan.hpp"
#include "kernels/operand_checks.hpp"

namespace abr {
namespace {

// All rows are those of one sample.
cpu::WeightShape weight_shape(Index in, Index out, Index rows) {
    return {.rows = rows, .channels = in, .columns = out};
}

}  // namespace

Index linear_workspace(Index in, Index out, Index rows) {
    return std::max({cpu::row_product_workspace(1, in, out), cpu::row_product_workspace(1, out, in),
                     cpu::weight_product_workspace(weight_shape(in, out, rows)),
                     cpu::column_sums_workspace(rows, out),
                     cuda::weight_gradient_workspace(in, out, rows, out, rows)});
}

namespace cpu {
namespace {

template <class T>
void multiply(Stream& stream, Matrix<const T> x, const T* weight, Index w_in, Index w_out, const T* bias,
              Matrix<T> y, Write write, T* workspace) {
    multiply_rows<T>(stream,
                     {.a = x.data,
                      .a_rows = {x.rows, 0, x.columns},
                      .rows = x.rows,
                      .tap_stride = x.columns,
                      .channels = x.columns,
                      .weight = weight,
                      .w_in = w_in,
                      .w_out = w_out,
                      .bias = bias,
                      .columns = y.columns,
                      .c = y.data,
                      .c_rows = {y.rows, 0, y.columns},
                      .write = write},
                     workspace);
}

}  // namespace

template <class T>
void linear_forward(Stream& stream, Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y,
                    T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_linear(__func__, {"x", x}, {"y", y});
    multiply(stream, x, weight, y.columns, Index{1}, bias, y, Write::overwrite, workspace);
}

template <class T>
void linear_backward_data(Stream& stream, Matrix<const T> dy, const T* weight, Matrix<T> dx, Write write,
                          T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_linear(__func__, {"dx", dx}, {"dy", dy});
    const T* const no_bias = nullptr;
    multiply(stream, dy, weight, Index{1}, dy.columns, no_bias, dx, write, workspace);
}

template <class T>
void linear_backward_weight(Stream& stream, Matrix<const T> x, Matrix<const T> dy, T* dweight, T* dbias,
                            T* workspace) {
    const ProfileScope scope(stream.profile(), __func__);
    check_linear(__func__, {"x", x}, {"dy", dy});
    accumulate_weight_product<T>(stream,
                                 {.shape = weight_shape(x.columns, dy.columns, x.rows),
                                  .a = x.data,
                                  .g = dy.data,
                                  .g_row = dy.columns,
                                  .dw = dweight},
                                 workspace);
    if (dbias) accumulate_column_sums<T>(stream, {dy.data, dy.rows, 1, dy.columns, 0}, dbias, workspace);
}

#define ABR_INSTANTIATE(T)                                                                        \
    template void linear_forward(Stream&, Matrix<const T>, const T*, const T*, Matrix<T>, T*);    \
    template void linear_backward_data(Stream&, Matrix<const T>, const T*, Matrix<T>, Write, T*); \
    template void linear_backward_weight(Stream&, Matrix<const T>, Matrix<const T>, T*, T*, T*);
ABR_INSTANTIATE(float)
ABR_INSTANTIATE(double)
#undef ABR_INSTANTIATE

}  // namespace cpu
}  // namespace abr
