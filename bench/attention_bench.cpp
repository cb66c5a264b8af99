// Attention and attention pooling at the network's shapes, batch 64, forward and backward.
#include <benchmark/benchmark.h>

#include "kernels/attention.hpp"
#include "kernels/attention_pool.hpp"
#include "kernels/cpu/buffer.hpp"
#include "kernels/philox.hpp"

namespace abr::cpu {
namespace {

constexpr Index kBatch = 64;

Buffer<float> random_buffer(Index size, std::uint32_t purpose) {
    Buffer<float> buffer(size);
    for (Index i = 0; i < size; ++i) {
        const auto words = philox4x32(stream_key(1, purpose), static_cast<std::uint32_t>(i), 0, 0, 0);
        buffer.data()[i] = 2 * to_uniform(words[0]) - 1;
    }
    return buffer;
}

// Arguments: length, channels, heads.
void attention(benchmark::State& state) {
    const Index length = state.range(0), channels = state.range(1), heads = state.range(2);
    const Attention op{channels, heads};
    const auto qkv = random_buffer(kBatch * length * 3 * channels, 1);
    const auto d_o = random_buffer(kBatch * length * channels, 2);
    const Buffer<float> o(d_o.size()), dqkv(qkv.size()), p(kBatch * heads * length * length);
    const Buffer<float> workspace(attention_workspace(op, kBatch, length));
    const auto sequence = [&](const Buffer<float>& b) {
        return Sequence<float>{b.data(), kBatch, length, b.size() / (kBatch * length), 0};
    };
    Stream stream(1);
    for (auto _ : state) {
        attention_forward<float>(stream, op, sequence(qkv), sequence(o), p.data());
        attention_backward<float>(stream, op, sequence(d_o), sequence(qkv), p.data(), sequence(dqkv),
                                  workspace.data());
        benchmark::ClobberMemory();
    }
    state.counters["FLOP/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * 12.0 *
                               static_cast<double>(kBatch * length * length * channels),
                           benchmark::Counter::kIsRate);
}
BENCHMARK(attention)->Args({25, 128, 8})->Args({25, 512, 8})->Args({100, 128, 8});

// Arguments: length, channels; hidden = channels / 2.
void attention_pool(benchmark::State& state) {
    const Index length = state.range(0), channels = state.range(1), hidden = channels / 2;
    const AttentionPool op{channels, hidden};
    const auto x = random_buffer(kBatch * length * channels, 1);
    const auto weight = random_buffer(channels * hidden, 2);
    const auto bias = random_buffer(hidden, 3);
    const auto score = random_buffer(hidden, 4);
    const auto dy = random_buffer(kBatch * channels, 5);
    const Buffer<float> h(kBatch * length * hidden), a(kBatch * length), y(dy.size()), dx(x.size());
    const Buffer<float> dweight(weight.size()), dbias(hidden), dscore(hidden);
    const Buffer<float> workspace(attention_pool_workspace(op, kBatch, length));
    const auto sequence = [&](const Buffer<float>& b) {
        return Sequence<float>{b.data(), kBatch, length, channels, 0};
    };
    const auto matrix = [&](const Buffer<float>& b) { return Matrix<float>{b.data(), kBatch, channels}; };
    Stream stream(1);
    for (auto _ : state) {
        attention_pool_forward<float>(stream, op,
                                      {.x = sequence(x),
                                       .weight = weight.data(),
                                       .bias = bias.data(),
                                       .score = score.data(),
                                       .h = h.data(),
                                       .a = a.data(),
                                       .y = matrix(y),
                                       .workspace = workspace.data()});
        attention_pool_backward<float>(stream, op,
                                       {.dy = matrix(dy),
                                        .x = sequence(x),
                                        .weight = weight.data(),
                                        .score = score.data(),
                                        .h = h.data(),
                                        .a = a.data(),
                                        .dx = sequence(dx),
                                        .write = Write::overwrite,
                                        .dweight = dweight.data(),
                                        .dbias = dbias.data(),
                                        .dscore = dscore.data(),
                                        .workspace = workspace.data()});
        benchmark::ClobberMemory();
    }
    state.counters["FLOP/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * 6.0 *
                               static_cast<double>(kBatch * length * channels * hidden),
                           benchmark::Counter::kIsRate);
}
BENCHMARK(attention_pool)->Args({25, 128})->Args({200, 16})->Args({25, 512})->Args({200, 64});

}  // namespace
}  // namespace abr::cpu
