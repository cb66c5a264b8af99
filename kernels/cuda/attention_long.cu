#include "kernels/cuda/attention_long.hpp"

#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/tile_product.cuh"

namespace abr::cuda {
namespace {

constexpr int kRowThreads = 128;
constexpr int kRowsOfBlock = kRowThreads / kWarpSize;

// A matrix of each sample and head. Strides in elements; columns are contiguous where column_stride is 1.
template <class T>
struct HeadMatrix {
    T* data;
    Index sample_stride, head_stride, row_stride, column_stride;

    __device__ T* of_block() const {
        return data + Index{blockIdx.z} * sample_stride + Index{blockIdx.y} * head_stride;
    }
    HeadMatrix transposed() const { return {data, sample_stride, head_stride, column_stride, row_stride}; }
    operator HeadMatrix<const T>() const requires(!std::is_const_v<T>) {
        return {data, sample_stride, head_stride, row_stride, column_stride};
    }
};

// Part `part` of the channels of each head: 0, 1, 2 for q, k, v.
template <class T>
HeadMatrix<T> channels_of(const Attention& op, Sequence<T> s, Index part) {
    return {s.row(0, 0) + part * op.channels, s.sample_stride(), op.channels / op.heads, s.channels, 1};
}
template <class T>
HeadMatrix<T> scores_of(const Attention& op, T* scores, Index length) {
    return {scores, op.heads * length * length, length * length, length, 1};
}

// out (rows, columns) = scale * left (rows, inner) * right (inner, columns).
template <bool kLeftByRow, bool kRightByColumn>
__global__ void __launch_bounds__(kProductThreads)
    head_product_kernel(int rows, int columns, int inner, HeadMatrix<const float> left,
                        HeadMatrix<const float> right, float scale, HeadMatrix<float> out) {
    const float* const a = left.of_block();
    const float* const b = right.of_block();
    float* const c = out.of_block();
    tile_product<kLeftByRow, kRightByColumn>(
        static_cast<int>(blockIdx.x), rows, columns, inner,
        [&](int i, int k) { return a[i * left.row_stride + k * left.column_stride]; },
        [&](int k, int j) { return b[k * right.row_stride + j * right.column_stride]; },
        [&](int i, int j, float sum) { c[i * out.row_stride + j * out.column_stride] = scale * sum; });
}

template <bool kLeftByRow, bool kRightByColumn>
void multiply(Stream& stream, const Attention& op, Index batch, Index rows, Index columns, Index inner,
              HeadMatrix<const float> left, HeadMatrix<const float> right, float scale,
              HeadMatrix<float> out) {
    const dim3 grid(static_cast<unsigned>(product_tiles(rows, columns)), static_cast<unsigned>(op.heads),
                    static_cast<unsigned>(batch));
    launch(head_product_kernel<kLeftByRow, kRightByColumn>, grid, kProductThreads, 0, stream, rows, columns,
           inner, left, right, scale, out);
}

// Rows of scores become probabilities. A warp a row; a lane keeps to its own elements.
__global__ void __launch_bounds__(kRowThreads) softmax_rows_kernel(Index rows, int length, float* scores) {
    const Index row = Index{blockIdx.x} * kRowsOfBlock + warp_index();
    if (row >= rows) return;  // the whole warp; no barrier follows
    float* const s = scores + row * length;
    float largest = s[0];
    for (int j = lane_index(); j < length; j += kWarpSize) largest = s[j] > largest ? s[j] : largest;
    largest = warp_max(largest);
    float sum = 0;
    for (int j = lane_index(); j < length; j += kWarpSize) sum += std::exp(s[j] - largest);
    sum = warp_sum(sum);
    __syncwarp(kWholeWarp);  // s[0] has been read
    for (int j = lane_index(); j < length; j += kWarpSize) s[j] = std::exp(s[j] - largest) / sum;
}

// Gradients of probabilities become those of scores, times `scale`.
__global__ void __launch_bounds__(kRowThreads)
    softmax_backward_rows_kernel(Index rows, int length, const float* probabilities, float scale,
                                 float* gradients) {
    const Index row = Index{blockIdx.x} * kRowsOfBlock + warp_index();
    if (row >= rows) return;  // the whole warp; no barrier follows
    const float* const p = probabilities + row * length;
    float* const g = gradients + row * length;
    float mean = 0;
    for (int j = lane_index(); j < length; j += kWarpSize) mean += p[j] * g[j];
    mean = warp_sum(mean);
    for (int j = lane_index(); j < length; j += kWarpSize) g[j] = p[j] * (g[j] - mean) * scale;
}

}  // namespace

void attention_forward_long(Stream& stream, const Attention& op, Sequence<const float> qkv, Sequence<float> o,
                            float* probabilities) {
    const Index batch = qkv.batch, n = qkv.length, depth = op.channels / op.heads;
    const auto q = channels_of(op, qkv, 0), k = channels_of(op, qkv, 1), v = channels_of(op, qkv, 2);
    const auto p = scores_of(op, probabilities, n);
    const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
    multiply<false, false>(stream, op, batch, n, n, depth, q, k.transposed(), scale, p);
    const Index rows = batch * op.heads * n;
    launch(softmax_rows_kernel, divide_up(rows, kRowsOfBlock), kRowThreads, 0, stream, rows, n,
           probabilities);
    multiply<false, true>(stream, op, batch, n, depth, n, p, v, 1.0f, channels_of(op, o, 0));
}

void attention_backward_long(Stream& stream, const Attention& op, Sequence<const float> d_o,
                             Sequence<const float> qkv, const float* probabilities, Sequence<float> dqkv,
                             float* workspace) {
    const Index batch = qkv.batch, n = qkv.length, depth = op.channels / op.heads;
    const auto q = channels_of(op, qkv, 0), k = channels_of(op, qkv, 1), v = channels_of(op, qkv, 2);
    const auto g = channels_of(op, d_o, 0);
    const auto p = scores_of(op, probabilities, n);
    const auto ds = scores_of(op, workspace, n);
    const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
    multiply<true, true>(stream, op, batch, n, depth, n, p.transposed(), g, 1.0f, channels_of(op, dqkv, 2));
    multiply<false, false>(stream, op, batch, n, n, depth, g, v.transposed(), 1.0f, ds);
    const Index rows = batch * op.heads * n;
    launch(softmax_backward_rows_kernel, divide_up(rows, kRowsOfBlock), kRowThreads, 0, stream, rows, n,
           probabilities, scale, workspace);
    multiply<false, true>(stream, op, batch, n, depth, n, ds, k, 1.0f, channels_of(op, dqkv, 0));
    multiply<true, true>(stream, op, batch, n, depth, n, ds.transposed(), q, 1.0f, channels_of(op, dqkv, 1));
}

}  // namespace abr::cuda
