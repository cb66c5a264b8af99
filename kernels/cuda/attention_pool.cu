// Attention pooling of kernels/attention_pool.hpp: tiled products with W over all rows, the rest a block a sample.
#include "kernels/attention_pool.hpp"

#include "kernels/cuda/attention_pool_plan.hpp"
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/padding.cuh"
#include "kernels/cuda/partial_sums.hpp"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/tile_product.cuh"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarpSize;

// Row r of all rows of a sequence.
template <class T>
__device__ inline T* row_of(const Sequence<T>& s, int r) {
    const int length = static_cast<int>(s.length);
    return s.row(r / length, r % length);
}

// h = tanh(x W + c).
__global__ void __launch_bounds__(kProductThreads)
    attention_pool_hidden_kernel(AttentionPool op, AttentionPoolForward<float> a) {
    tile_product<false, true>(
        static_cast<int>(blockIdx.x), static_cast<int>(a.x.batch * a.x.length), static_cast<int>(op.hidden),
        static_cast<int>(op.channels), [&](int r, int c) { return row_of(a.x, r)[c]; },
        [&](int c, int o) { return a.weight[c * op.hidden + o]; },
        [&](int r, int o, float sum) { a.h[r * op.hidden + o] = std::tanh(sum + a.bias[o]); });
}

// a and y of a sample. The scores wait in a.
__global__ void __launch_bounds__(kThreads)
    attention_pool_forward_kernel(AttentionPool op, AttentionPoolForward<float> a) {
    DEVICE_SHARED(partial, float[kColumnSumsShared<kThreads, 1>]);
    const Index b = blockIdx.x;
    const int length = static_cast<int>(a.x.length);
    const int hidden = static_cast<int>(op.hidden);
    float* const weight = a.a + b * length;
    for (int t = warp_index(); t < length; t += kWarps) {
        const float* const h = a.h + (b * length + t) * hidden;
        float score = 0;
        for (int i = lane_index(); i < hidden; i += kWarpSize) score += h[i] * a.score[i];
        score = warp_sum(score);
        if (lane_index() == 0) weight[t] = score;
    }
    __syncthreads();
    block_softmax<kThreads>(weight, length);
    column_sums<kThreads, 1>(
        length, static_cast<int>(op.channels), partial,
        [&](int t, int c, float(&sums)[1]) { sums[0] += weight[t] * a.x.row(b, t)[c]; },
        [&](int c, int, float total) { a.y.row(b)[c] = total; });
}

// A sample's d_score and d_pre, the gradients with respect to the scores and to x W + c, and the shares of dbias
// and dscore.
__global__ void __launch_bounds__(kThreads)
    attention_pool_scores_kernel(AttentionPool op, AttentionPoolPlan plan, AttentionPoolBackward<float> a) {
    DEVICE_SHARED(partial, float[kColumnSumsShared<kThreads, 2>]);
    const Index b = blockIdx.x;
    const int length = static_cast<int>(a.x.length);
    const int channels = static_cast<int>(op.channels);
    const int hidden = static_cast<int>(op.hidden);
    const float* const weight = a.a + b * length;
    const float* const dy = a.dy.row(b);
    float* const d_score = a.workspace + plan.d_score + b * length;
    for (int t = warp_index(); t < length; t += kWarps) {
        const float* const x = a.x.row(b, t);
        float sum = 0;
        for (int c = lane_index(); c < channels; c += kWarpSize) sum += dy[c] * x[c];
        sum = warp_sum(sum);
        if (lane_index() == 0) d_score[t] = sum;
    }
    __syncthreads();
    // Every warp for itself, and in double: the error of the mean would add up over time in dbias.
    double mean = 0;
    for (int t = lane_index(); t < length; t += kWarpSize)
        mean += static_cast<double>(weight[t]) * static_cast<double>(d_score[t]);
    mean = warp_sum(mean);
    __syncthreads();
    for (int t = static_cast<int>(threadIdx.x); t < length; t += kThreads)
        d_score[t] = weight[t] * static_cast<float>(static_cast<double>(d_score[t]) - mean);
    __syncthreads();
    column_sums<kThreads, 2>(
        length, hidden, partial,
        [&](int t, int o, float(&sums)[2]) {
            const Index at = (b * length + t) * hidden + o;
            const float h = a.h[at];
            const float d_pre = d_score[t] * a.score[o] * (1.0f - h * h);
            a.workspace[at] = d_pre;
            sums[0] += d_pre;
            sums[1] += d_score[t] * h;
        },
        [&](int o, int s, float total) { a.workspace[plan.shares + (b * 2 + s) * hidden + o] = total; });
    zero_padding(a.dx, b, 0, channels, static_cast<int>(threadIdx.x), kThreads);
}

// dx (=, +=) a dy + d_pre W^T.
__global__ void __launch_bounds__(kProductThreads)
    attention_pool_input_kernel(AttentionPool op, AttentionPoolBackward<float> a) {
    const int length = static_cast<int>(a.x.length);
    tile_product<false, false>(
        static_cast<int>(blockIdx.x), static_cast<int>(a.x.batch) * length, static_cast<int>(op.channels),
        static_cast<int>(op.hidden), [&](int r, int o) { return a.workspace[r * op.hidden + o]; },
        [&](int o, int c) { return a.weight[c * op.hidden + o]; },
        [&](int r, int c, float sum) {
            float* const dx = row_of(a.dx, r) + c;
            sum += a.a[r] * a.dy.row(r / length)[c];
            *dx = a.write == Write::accumulate ? *dx + sum : sum;
        });
}

// The share of dweight = x^T d_pre of one run of rows.
__global__ void __launch_bounds__(kProductThreads)
    attention_pool_weight_kernel(AttentionPool op, AttentionPoolPlan plan, AttentionPoolBackward<float> a) {
    const int first = static_cast<int>(blockIdx.y * plan.run);
    const int left = static_cast<int>(a.x.batch * a.x.length) - first;
    const int run = static_cast<int>(plan.run);
    float* const share = a.workspace + plan.products + Index{blockIdx.y} * op.channels * op.hidden;
    tile_product<true, true>(
        static_cast<int>(blockIdx.x), static_cast<int>(op.channels), static_cast<int>(op.hidden),
        left < run ? left : run, [&](int c, int r) { return row_of(a.x, first + r)[c]; },
        [&](int r, int o) { return a.workspace[(first + r) * op.hidden + o]; },
        [&](int c, int o, float sum) { share[c * op.hidden + o] = sum; });
}

}  // namespace

template <class T>
void attention_pool_forward(Stream& stream, const AttentionPool& op, const AttentionPoolForward<T>& a) {
    const ProfileScope scope(stream, __func__);
    check_attention_pool(__func__, op, {"x", a.x}, {"y", a.y});
    launch(attention_pool_hidden_kernel, product_tiles(a.x.batch * a.x.length, op.hidden), kProductThreads, 0,
           stream, op, a);
    launch(attention_pool_forward_kernel, a.x.batch, kThreads, 0, stream, op, a);
}

template <class T>
void attention_pool_backward(Stream& stream, const AttentionPool& op, const AttentionPoolBackward<T>& a) {
    const ProfileScope scope(stream, __func__);
    check_attention_pool(__func__, op, {"x", a.x}, {"dy", a.dy});
    check_alike(__func__, {{"x", a.x}, {"dx", a.dx}});
    const AttentionPoolPlan plan(op, a.x.batch, a.x.length);
    launch(attention_pool_scores_kernel, a.x.batch, kThreads, 0, stream, op, plan, a);
    add_partial_sums(stream, a.workspace + plan.shares, a.x.batch, op.hidden, a.dbias, a.dscore);
    launch(attention_pool_input_kernel, product_tiles(a.x.batch * a.x.length, op.channels), kProductThreads,
           0, stream, op, a);
    const dim3 grid(static_cast<unsigned>(product_tiles(op.channels, op.hidden)),
                    static_cast<unsigned>(plan.runs));
    launch(attention_pool_weight_kernel, grid, kProductThreads, 0, stream, op, plan, a);
    add_partial_sums(stream, a.workspace + plan.products, plan.runs, op.channels * op.hidden, a.dweight);
}

template void attention_pool_forward(Stream&, const AttentionPool&, const AttentionPoolForward<float>&);
template void attention_pool_backward(Stream&, const AttentionPool&, const AttentionPoolBackward<float>&);

}  // namespace abr::cuda
