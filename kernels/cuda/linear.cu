#include "kernels/linear.hpp"

#include "kernels/cuda/gemm.cuh"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

// c = a * b + bias, b's element (d, n) at weight[d * w_depth + n * w_column].
void multiply_rows(Stream& stream, Matrix<const float> a, const float* weight, Index w_depth, Index w_column,
                   const float* bias, Matrix<float> c, Write write) {
    const Product product = {
        .a = Operand(a.data, Axis(a.rows, a.columns), Axis(a.columns, 1), true),
        .b = Operand(weight, Axis(c.columns, w_column), Axis(a.columns, w_depth), w_column != 1),
        .c = Output(c.data, Axis(c.rows, c.columns), Axis(c.columns, 1)),
        .bias = bias,
        .write = write};
    multiply(stream, {&product, 1}, {});
}

}  // namespace

template <class T>
void linear_forward(Stream& stream, Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, T*) {
    const ProfileScope scope(stream, __func__);
    check_linear(__func__, {"x", x}, {"y", y});
    multiply_rows(stream, x, weight, y.columns, 1, bias, y, Write::overwrite);
}

template <class T>
void linear_backward_data(Stream& stream, Matrix<const T> dy, const T* weight, Matrix<T> dx, Write write,
                          T*) {
    const ProfileScope scope(stream, __func__);
    check_linear(__func__, {"dx", dx}, {"dy", dy});
    multiply_rows(stream, dy, weight, 1, dy.columns, nullptr, dx, write);
}

template <class T>
void linear_backward_weight(Stream& stream, Matrix<const T> x, Matrix<const T> dy, T* dweight, T* dbias,
                            T* workspace) {
    const ProfileScope scope(stream, __func__);
    check_linear(__func__, {"x", x}, {"dy", dy});
    const Product product = {.a = Operand(x.data, Axis(x.columns, 1), Axis(x.rows, x.columns), false),
                             .b = Operand(dy.data, Axis(dy.columns, 1), Axis(dy.rows, dy.columns), false),
                             .c = Output(dweight, Axis(x.columns, dy.columns), Axis(dy.columns, 1))};
    accumulate_weight_product(stream, product, workspace);
    if (dbias) accumulate_column_sums(stream, {dy.data, dy.rows, 1, dy.columns, 0}, dbias, workspace);
}

template void linear_forward(Stream&, Matrix<const float>, const float*, const float*, Matrix<float>, float*);
template void linear_backward_data(Stream&, Matrix<const float>, const float*, Matrix<float>, Write, float*);
template void linear_backward_weight(Stream&, Matrix<const float>, Matrix<const float>, float*, float*,
                                     float*);

}  // namespace abr::cuda
