// GELU and dropout of kernels/activation.hpp: a thread takes four neighbouring elements of one recording, those of
// one Philox block. Bound by memory: 2 or 3 accesses of 4 bytes an element.
#include "kernels/activation.hpp"

#include "kernels/cuda/dropout.cuh"
#include "kernels/cuda/four.cuh"
#include "kernels/cuda/gelu.cuh"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = 256;

// Recordings of `elements` each (the last one may be shorter), `blocks` blocks a recording.
struct Recordings {
    Index elements, total, blocks;

    template <class T>
    Recordings(Matrix<T> x, Index rows_per_recording)
        : elements(rows_per_recording * x.columns),
          total(x.size()),
          blocks(divide_up(elements, Index{4} * kThreads)) {}

    Index grid() const { return divide_up(total, elements) * blocks; }
    // float4 may be used: every thread's four elements are there and lie together in 16 aligned bytes.
    bool whole() const { return elements % 4 == 0 && total % 4 == 0; }
};

// The elements of a thread: recording b, elements 4 * four ... of it, `count` (0 to 4) of them, at `at` in memory.
struct Quad {
    Index b, four, at;
    int count;

    __device__ explicit Quad(const Recordings& r)
        : b(blockIdx.x / r.blocks), four((blockIdx.x % r.blocks) * kThreads + threadIdx.x) {
        at = b * r.elements + 4 * four;
        const Index in_recording = r.elements - 4 * four, left = r.total - at;
        const Index most = in_recording < left ? in_recording : left;
        count = most < 0 ? 0 : most > 4 ? 4 : static_cast<int>(most);
    }
};

template <bool kVector>
__global__ void __launch_bounds__(kThreads)
    gelu_forward_kernel(Recordings recordings, Dropout dropout, const float* x, float* y) {
    const Quad quad(recordings);
    if (quad.count == 0) return;
    const float4 factor = DropoutFactors(dropout).at(quad.b, quad.four);
    const float4 z = load_four<kVector>(x + quad.at, quad.count);
    store_four<kVector>(
        y + quad.at, quad.count,
        make_float4(factor.x * gelu(z.x), factor.y * gelu(z.y), factor.z * gelu(z.z), factor.w * gelu(z.w)));
}

template <bool kVector>
__global__ void __launch_bounds__(kThreads)
    gelu_backward_kernel(Recordings recordings, Dropout dropout, const float* dy, const float* x, float* dx) {
    const Quad quad(recordings);
    if (quad.count == 0) return;
    const float4 factor = DropoutFactors(dropout).at(quad.b, quad.four);
    const float4 z = load_four<kVector>(x + quad.at, quad.count);
    const float4 g = load_four<kVector>(dy + quad.at, quad.count);
    store_four<kVector>(
        dx + quad.at, quad.count,
        make_float4(factor.x * g.x * gelu_derivative(z.x), factor.y * g.y * gelu_derivative(z.y),
                    factor.z * g.z * gelu_derivative(z.z), factor.w * g.w * gelu_derivative(z.w)));
}

}  // namespace

template <class T>
void gelu_forward(Stream& stream, Matrix<const T> x, const Dropout& dropout, Index rows_per_recording,
                  Matrix<T> y) {
    const ProfileScope scope(stream, __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    const Recordings recordings(x, rows_per_recording);
    const bool vector = recordings.whole() && is_aligned(x.data, 16) && is_aligned(y.data, 16);
    launch(vector ? gelu_forward_kernel<true> : gelu_forward_kernel<false>, recordings.grid(), kThreads, 0,
           stream, recordings, dropout, x.data, y.data);
}

template <class T>
void gelu_backward(Stream& stream, Matrix<const T> dy, Matrix<const T> x, const Dropout& dropout,
                   Index rows_per_recording, Matrix<T> dx) {
    const ProfileScope scope(stream, __func__);
    check_alike(__func__, {{"x", x}, {"dy", dy}, {"dx", dx}});
    const Recordings recordings(x, rows_per_recording);
    const bool vector =
        recordings.whole() && is_aligned(dy.data, 16) && is_aligned(x.data, 16) && is_aligned(dx.data, 16);
    launch(vector ? gelu_backward_kernel<true> : gelu_backward_kernel<false>, recordings.grid(), kThreads, 0,
           stream, recordings, dropout, dy.data, x.data, dx.data);
}

template void gelu_forward(Stream&, Matrix<const float>, const Dropout&, Index, Matrix<float>);
template void gelu_backward(Stream&, Matrix<const float>, Matrix<const float>, const Dropout&, Index,
                            Matrix<float>);

}  // namespace abr::cuda
