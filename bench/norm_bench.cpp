// GroupNorm with everything fused behind it, LayerNorm and GELU at the network's shapes, batch 64.
#include <benchmark/benchmark.h>

#include "kernels/activation.hpp"
#include "kernels/cpu/buffer.hpp"
#include "kernels/norm.hpp"

namespace abr::cpu {
namespace {

constexpr Index kBatch = 64;

Buffer<float> random_buffer(Index size, std::uint32_t purpose) {
    Buffer<float> buffer(size);
    for (Index i = 0; i < size; ++i) {
        const auto words = philox4x32(stream_key(1, purpose), static_cast<std::uint32_t>(i), 0, 0, 0);
        buffer.data()[i] = 4 * to_uniform(words[0]) - 2;
    }
    return buffer;
}

// Arguments: length, channels, dropout in percent. Time per element is 1 / items_per_second.
void group_norm(benchmark::State& state, bool backward) {
    const Index length = state.range(0), channels = state.range(1), groups = 8;
    const GroupNorm op{channels, groups, true};
    const Dropout dropout = {.rate = static_cast<float>(state.range(2)) / 100};
    const auto x = random_buffer(kBatch * length * channels, 1);
    const auto dy = random_buffer(x.size(), 2);
    const auto weight = random_buffer(channels, 3);
    const auto bias = random_buffer(channels, 4);
    const auto film = random_buffer(kBatch * 2 * channels, 5);
    const Buffer<float> y(x.size()), dx(x.size()), dfilm(film.size()), dweight(channels), dbias(channels);
    const Buffer<float> mean(kBatch * groups), rstd(kBatch * groups),
        workspace(group_norm_workspace(op, kBatch));
    const auto sequence = [&](const Buffer<float>& b) {
        return Sequence<float>{b.data(), kBatch, length, channels, 0};
    };
    Stream stream(1);
    for (auto _ : state) {
        group_norm_forward<float>(stream, op,
                                  {.x = sequence(x),
                                   .weight = weight.data(),
                                   .bias = bias.data(),
                                   .film = film.data(),
                                   .dropout = dropout,
                                   .y = sequence(y),
                                   .mean = mean.data(),
                                   .rstd = rstd.data()});
        if (backward)
            group_norm_backward<float>(stream, op,
                                       {.dy = sequence(dy),
                                        .x = sequence(x),
                                        .weight = weight.data(),
                                        .bias = bias.data(),
                                        .film = film.data(),
                                        .dropout = dropout,
                                        .mean = mean.data(),
                                        .rstd = rstd.data(),
                                        .dx = sequence(dx),
                                        .dfilm = dfilm.data(),
                                        .dweight = dweight.data(),
                                        .dbias = dbias.data(),
                                        .workspace = workspace.data()});
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * x.size());
}
void network_shapes(benchmark::internal::Benchmark* b) {
    for (const Index base : {16, 64})
        for (const Index level : {0, 1, 2, 3})
            for (const Index percent : {0, 10}) b->Args({200 >> level, base << level, percent});
}
BENCHMARK_CAPTURE(group_norm, forward, false)->Apply(network_shapes);
BENCHMARK_CAPTURE(group_norm, forward_backward, true)->Apply(network_shapes);

// Arguments: rows, channels.
void layer_norm(benchmark::State& state) {
    const Index rows = state.range(0), channels = state.range(1);
    const auto x = random_buffer(rows * channels, 1);
    const auto dy = random_buffer(x.size(), 2);
    const auto weight = random_buffer(channels, 3);
    const auto bias = random_buffer(channels, 4);
    const Buffer<float> y(x.size()), dx(x.size()), mean(rows), rstd(rows), dweight(channels), dbias(channels);
    const Buffer<float> workspace(layer_norm_workspace(channels, rows));
    const auto sequence = [&](const Buffer<float>& b) {
        return Sequence<float>{b.data(), rows, 1, channels, 0};
    };
    Stream stream(1);
    for (auto _ : state) {
        layer_norm_forward<float>(stream, sequence(x), weight.data(), bias.data(), sequence(y), mean.data(),
                                  rstd.data());
        layer_norm_backward<float>(stream, sequence(dy), sequence(x), weight.data(), mean.data(), rstd.data(),
                                   sequence(dx), Write::overwrite, dweight.data(), dbias.data(),
                                   workspace.data());
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * x.size());
}
BENCHMARK(layer_norm)->Args({kBatch * 25, 128})->Args({kBatch * 25, 512})->Args({kBatch, 128});

// Arguments: rows, columns, dropout in percent.
void gelu(benchmark::State& state) {
    const Index rows = state.range(0), columns = state.range(1);
    const Dropout dropout = {.rate = static_cast<float>(state.range(2)) / 100};
    const auto x = random_buffer(rows * columns, 1);
    const auto dy = random_buffer(x.size(), 2);
    const Buffer<float> y(x.size()), dx(x.size());
    const auto matrix = [&](const Buffer<float>& b) { return Matrix<float>{b.data(), rows, columns}; };
    Stream stream(1);
    for (auto _ : state) {
        gelu_forward<float>(stream, matrix(x), dropout, rows / kBatch, matrix(y));
        gelu_backward<float>(stream, matrix(dy), matrix(x), dropout, rows / kBatch, matrix(dx));
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * x.size());
}
BENCHMARK(gelu)->Args({kBatch * 25, 512, 0})->Args({kBatch * 25, 512, 10})->Args({kBatch, 128, 10});

}  // namespace
}  // namespace abr::cpu
