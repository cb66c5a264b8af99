// Self-attention of kernels/attention.hpp. At the product's 25 tokens (up to 32, heads up to 64 deep) a block has one
// sample and head, and everything between its inputs and outputs stays in shared memory; what is longer or deeper
// goes through attention_long.hpp.
#include "kernels/attention.hpp"

#include <numbers>

#include "kernels/cuda/attention_long.hpp"
#include "kernels/cuda/four.cuh"
#include "kernels/cuda/padding.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / kWarpSize;
constexpr int kTokens = 32;           // of a tile: a lane a key
constexpr int kScores = kTokens + 4;  // from row to row of a (tokens, tokens) tile
constexpr int kScoreTile = kTokens * kScores;
constexpr int kPositionThreads = 256;
constexpr int kPositionSamples = 16;  // that share one evaluation of the sines

// From row to row of a (tokens, depth) tile: rows are whole vectors, and 8 neighbouring ones start in different banks.
template <int kDepth>
inline constexpr int kRow = kDepth + 4;
template <int kDepth>
inline constexpr int kTokenTile = kTokens* kRow<kDepth>;

// The sample and head of this block. `vector`: rows can be moved as float4.
struct Head {
    Index b;
    int head, length, depth;
    bool vector;
    float scale;

    __device__ Head(const Attention& op, Index tokens, bool rows_of_vectors)
        : b(blockIdx.x / static_cast<unsigned>(op.heads)),
          head(static_cast<int>(blockIdx.x % static_cast<unsigned>(op.heads))),
          length(static_cast<int>(tokens)),
          depth(static_cast<int>(op.channels / op.heads)),
          vector(rows_of_vectors),
          scale(1.0f / std::sqrt(static_cast<float>(depth))) {}

    // First element of this head in part `part` (0, 1, 2 for q, k, v) of the channels.
    template <class T>
    __device__ T* rows(const Attention& op, const Sequence<T>& s, int part) const {
        return s.row(b, 0) + part * op.channels + head * depth;
    }
};

// A (tokens, depth) tile from rows `stride` apart; zeros behind the last token and channel.
template <int kDepth>
__device__ inline void load_tokens(const Head& h, const float* from, Index stride, float* tile) {
    constexpr int kFours = kDepth / 4;
    for (int i = static_cast<int>(threadIdx.x); i < kTokens * kFours; i += kThreads) {
        const int t = i / kFours;
        const int d = i % kFours * 4;
        float4 v = make_float4(0, 0, 0, 0);
        if (t < h.length && d < h.depth) {
            const float* const p = from + t * stride + d;
            v = h.vector ? load_four<true>(p, 4) : load_four<false>(p, h.depth - d);
        }
        store_vector(tile + t * kRow<kDepth> + d, v);
    }
}

// scores[i][j] = scale * sum over d of a[i][d] * b[j][d], for all of a tile. A thread has rows 16 apart and columns 8
// apart, so that the rows of b which a warp reads together lie in different banks.
template <int kDepth>
__device__ inline void dot_rows(const float* a, const float* b, float scale, float* scores) {
    const int row = static_cast<int>(threadIdx.x) / 8;
    const int column = static_cast<int>(threadIdx.x) % 8;
    float sums[2][4] = {};
    for (int d = 0; d < kDepth; d += 4) {
        const float4 left[2] = {load_vector<float4>(a + row * kRow<kDepth> + d),
                                load_vector<float4>(a + (row + 16) * kRow<kDepth> + d)};
        for (int c = 0; c < 4; ++c) {
            const float4 right = load_vector<float4>(b + (column + 8 * c) * kRow<kDepth> + d);
            for (int r = 0; r < 2; ++r) {
                sums[r][c] += left[r].x * right.x;
                sums[r][c] += left[r].y * right.y;
                sums[r][c] += left[r].z * right.z;
                sums[r][c] += left[r].w * right.w;
            }
        }
    }
    for (int r = 0; r < 2; ++r)
        for (int c = 0; c < 4; ++c) scores[(row + 16 * r) * kScores + column + 8 * c] = scale * sums[r][c];
}

// out[i][d] = sum over j of weights[i][j] * rows[j][d], of weights[j][i] if kTransposed. A thread has 4 channels of
// one or more tokens.
template <int kDepth, bool kTransposed>
__device__ inline void weigh_rows(const Head& h, const float* weights, const float* rows, float* out,
                                  Index stride) {
    constexpr int kFours = kDepth / 4;
    constexpr int kOwn = kTokens * kFours / kThreads;
    const int first = static_cast<int>(threadIdx.x) / kFours * kOwn;
    const int d = static_cast<int>(threadIdx.x) % kFours * 4;
    float4 sums[kOwn] = {};
    for (int j = 0; j < h.length; ++j) {
        const float4 v = load_vector<float4>(rows + j * kRow<kDepth> + d);
        for (int r = 0; r < kOwn; ++r) {
            const float w =
                kTransposed ? weights[j * kScores + first + r] : weights[(first + r) * kScores + j];
            sums[r].x += w * v.x;
            sums[r].y += w * v.y;
            sums[r].z += w * v.z;
            sums[r].w += w * v.w;
        }
    }
    for (int r = 0; r < kOwn; ++r) {
        if (first + r >= h.length || d >= h.depth) continue;
        float* const p = out + (first + r) * stride + d;
        if (h.vector)
            store_four<true>(p, 4, sums[r]);
        else
            store_four<false>(p, h.depth - d, sums[r]);
    }
}

template <int kDepth>
__global__ void __launch_bounds__(kThreads)
    attention_forward_kernel(Attention op, bool vector, Sequence<const float> qkv, Sequence<float> o,
                             float* probabilities) {
    DEVICE_SHARED(q, float[kTokenTile<kDepth>]);
    DEVICE_SHARED(k, float[kTokenTile<kDepth>]);
    DEVICE_SHARED(v, float[kTokenTile<kDepth>]);
    DEVICE_SHARED(scores, float[kScoreTile]);
    const Head h(op, qkv.length, vector);
    load_tokens<kDepth>(h, h.rows(op, qkv, 0), qkv.channels, q);
    load_tokens<kDepth>(h, h.rows(op, qkv, 1), qkv.channels, k);
    load_tokens<kDepth>(h, h.rows(op, qkv, 2), qkv.channels, v);
    __syncthreads();
    dot_rows<kDepth>(q, k, h.scale, scores);
    __syncthreads();

    const int j = lane_index();
    float* const p = probabilities + Index{blockIdx.x} * h.length * h.length;
    for (int i = warp_index(); i < h.length; i += kWarps) {
        float* const score = scores + i * kScores + j;
        const float largest = warp_max(j < h.length ? *score : scores[i * kScores]);
        const float e = j < h.length ? std::exp(*score - largest) : 0.0f;
        const float probability = e / warp_sum(e);
        __syncwarp(kWholeWarp);  // the row's first score has been read
        *score = probability;
        if (j < h.length) p[i * h.length + j] = probability;
    }
    __syncthreads();
    weigh_rows<kDepth, false>(h, scores, v, h.rows(op, o, 0), o.channels);
}

template <int kDepth>
__global__ void __launch_bounds__(kThreads)
    attention_backward_kernel(Attention op, bool vector, Sequence<const float> d_o, Sequence<const float> qkv,
                              const float* probabilities, Sequence<float> dqkv) {
    DEVICE_SHARED(q, float[kTokenTile<kDepth>]);
    DEVICE_SHARED(k, float[kTokenTile<kDepth>]);
    DEVICE_SHARED(v, float[kTokenTile<kDepth>]);
    DEVICE_SHARED(g, float[kTokenTile<kDepth>]);
    DEVICE_SHARED(p, float[kScoreTile]);
    DEVICE_SHARED(ds, float[kScoreTile]);
    const Head h(op, qkv.length, vector);
    load_tokens<kDepth>(h, h.rows(op, qkv, 0), qkv.channels, q);
    load_tokens<kDepth>(h, h.rows(op, qkv, 1), qkv.channels, k);
    load_tokens<kDepth>(h, h.rows(op, qkv, 2), qkv.channels, v);
    load_tokens<kDepth>(h, h.rows(op, d_o, 0), d_o.channels, g);
    const int j = lane_index();
    const float* const kept = probabilities + Index{blockIdx.x} * h.length * h.length;
    for (int i = warp_index(); i < kTokens; i += kWarps)
        p[i * kScores + j] = i < h.length && j < h.length ? kept[i * h.length + j] : 0.0f;
    __syncthreads();

    weigh_rows<kDepth, true>(h, p, g, h.rows(op, dqkv, 2), dqkv.channels);
    dot_rows<kDepth>(g, v, 1.0f, ds);
    __syncthreads();
    for (int i = warp_index(); i < h.length; i += kWarps) {
        const float probability = p[i * kScores + j];
        const float gradient = ds[i * kScores + j];
        const float mean = warp_sum(probability * gradient);
        ds[i * kScores + j] = probability * (gradient - mean) * h.scale;
    }
    __syncthreads();
    weigh_rows<kDepth, false>(h, ds, k, h.rows(op, dqkv, 0), dqkv.channels);
    weigh_rows<kDepth, true>(h, ds, q, h.rows(op, dqkv, 1), dqkv.channels);
}

// A block a sample.
__global__ void __launch_bounds__(kThreads) zero_padding_kernel(Sequence<float> s) {
    zero_padding(s, blockIdx.x, 0, static_cast<int>(s.channels), static_cast<int>(threadIdx.x), kThreads);
}

void launch_zero_padding(Stream& stream, Sequence<float> s) {
    if (s.pad > 0) launch(zero_padding_kernel, s.batch, kThreads, 0, stream, s);
}

// A thread has one token and channel of kPositionSamples samples. In double: an angle in float would be off by 1e-6.
__global__ void __launch_bounds__(kPositionThreads)
    add_positions_kernel(Sequence<const float> x, Sequence<float> y) {
    const int channels = static_cast<int>(x.channels);
    const Index first = Index{blockIdx.y} * kPositionSamples;
    const Index last = first + kPositionSamples < x.batch ? first + kPositionSamples : x.batch;
    const Index i = Index{blockIdx.x} * kPositionThreads + threadIdx.x;
    if (i >= x.length * channels) return;  // no barrier follows
    const int c = static_cast<int>(i % channels);
    const double log_period = std::log(10000.0) * (c - c % 2) / channels;
    const double angle = static_cast<double>(i / channels) * std::exp(-log_period) / std::numbers::pi;
    const auto position = static_cast<float>(c % 2 == 0 ? sinpi(angle) : cospi(angle));
    for (Index b = first; b < last; ++b) y.row(b, 0)[i] = x.row(b, 0)[i] + position;
}

// launch_depth(std::integral_constant<int, kDepth>) with the depth of the tiles that hold this head; false if none
// does.
template <class Launch>
bool with_tiles(const Attention& op, Index length, const Launch& launch_depth) {
    const Index depth = op.channels / op.heads;
    if (length > kTokens || depth > 64) return false;
    if (depth <= 16)
        launch_depth(std::integral_constant<int, 16>());
    else if (depth <= 32)
        launch_depth(std::integral_constant<int, 32>());
    else
        launch_depth(std::integral_constant<int, 64>());
    return true;
}

bool rows_of_vectors(const Attention& op, const float* a, const float* b, const float* c) {
    return op.channels / op.heads % 4 == 0 && is_aligned(a, 16) && is_aligned(b, 16) && is_aligned(c, 16);
}

}  // namespace

template <class T>
void attention_forward(Stream& stream, const Attention& op, Sequence<const T> qkv, Sequence<T> o,
                       T* probabilities) {
    const ProfileScope scope(stream, __func__);
    check_attention(__func__, op, {"qkv", qkv}, {"o", o});
    const bool fused = with_tiles(op, qkv.length, [&](auto depth) {
        launch(attention_forward_kernel<depth>, qkv.batch * op.heads, kThreads, 0, stream, op,
               rows_of_vectors(op, qkv.data, o.data, nullptr), qkv, o, probabilities);
    });
    if (!fused) attention_forward_long(stream, op, qkv, o, probabilities);
    launch_zero_padding(stream, o);
}

template <class T>
void attention_backward(Stream& stream, const Attention& op, Sequence<const T> d_o, Sequence<const T> qkv,
                        const T* probabilities, Sequence<T> dqkv, T* workspace) {
    const ProfileScope scope(stream, __func__);
    check_attention(__func__, op, {"qkv", qkv}, {"d_o", d_o});
    check_alike(__func__, {{"qkv", qkv}, {"dqkv", dqkv}});
    const bool fused = with_tiles(op, qkv.length, [&](auto depth) {
        launch(attention_backward_kernel<depth>, qkv.batch * op.heads, kThreads, 0, stream, op,
               rows_of_vectors(op, d_o.data, qkv.data, dqkv.data), d_o, qkv, probabilities, dqkv);
    });
    if (!fused) attention_backward_long(stream, op, d_o, qkv, probabilities, dqkv, workspace);
    launch_zero_padding(stream, dqkv);
}

template <class T>
void add_positions(Stream& stream, Sequence<const T> x, Sequence<T> y) {
    const ProfileScope scope(stream, __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    const dim3 grid(static_cast<unsigned>(divide_up(x.length * x.channels, kPositionThreads)),
                    static_cast<unsigned>(divide_up(x.batch, kPositionSamples)));
    launch(add_positions_kernel, grid, kPositionThreads, 0, stream, x, y);
    launch_zero_padding(stream, y);
}

template void attention_forward(Stream&, const Attention&, Sequence<const float>, Sequence<float>, float*);
template void attention_backward(Stream&, const Attention&, Sequence<const float>, Sequence<const float>,
                                 const float*, Sequence<float>, float*);
template void add_positions(Stream&, Sequence<const float>, Sequence<float>);

}  // namespace abr::cuda
