// Convolutions at the network's real shapes, batch 64, on every core.
//
// FLOP/s count 2 FLOP a multiply-add. `ceiling` is the inner kernel on operands that stay in the first-level cache:
// what the cores give at most, measured in the same run.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/conv1d.hpp"
#include "kernels/cpu/gemm_kernel.hpp"
#include "kernels/philox.hpp"

namespace abr {
namespace {

constexpr Index kBatch = 64;

std::vector<float> random_values(Index size, std::uint64_t seed) {
    std::vector<float> values(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = 2 * to_uniform(philox4x32(seed, static_cast<std::uint32_t>(i), 0, 0, 0)[0]) - 1;
    return values;
}

void count_flops(benchmark::State& state, Index flops) {
    state.counters["FLOP/s"] =
        benchmark::Counter(static_cast<double>(flops), benchmark::Counter::kIsIterationInvariantRate);
}

enum class Pass { forward, data_gradient, weight_gradient };

template <class Op>
void run(cpu::Stream& stream, const Op& op, Pass pass, Sequence<float> x, Sequence<float> y,
         std::vector<float>& weight, std::vector<float>& bias, std::vector<float>& workspace) {
    constexpr bool transposed = std::is_same_v<Op, ConvTranspose1d>;
    switch (pass) {
        case Pass::forward:
            if constexpr (transposed)
                cpu::conv_transpose1d_forward<float>(stream, op, x, weight.data(), bias.data(), y,
                                                     workspace.data());
            else
                cpu::conv1d_forward<float>(stream, op, x, weight.data(), bias.data(), y, workspace.data());
            break;
        case Pass::data_gradient:
            if constexpr (transposed)
                cpu::conv_transpose1d_backward_data<float>(stream, op, y, weight.data(), x, Write::overwrite,
                                                           workspace.data());
            else
                cpu::conv1d_backward_data<float>(stream, op, y, weight.data(), x, Write::overwrite,
                                                 workspace.data());
            break;
        case Pass::weight_gradient:
            if constexpr (transposed)
                cpu::conv_transpose1d_backward_weight<float>(stream, op, x, y, weight.data(), bias.data(),
                                                             workspace.data());
            else
                cpu::conv1d_backward_weight<float>(stream, op, x, y, weight.data(), bias.data(),
                                                   workspace.data());
            break;
    }
}

template <class Op>
void time_pass(benchmark::State& state, const Op& op, Index length, Pass pass) {
    constexpr bool transposed = std::is_same_v<Op, ConvTranspose1d>;
    cpu::Stream stream;
    Index pad, workspace_size;
    if constexpr (transposed) {
        pad = conv_transpose1d_pad(op);
        workspace_size = conv_transpose1d_workspace(op, kBatch, length);
    } else {
        pad = conv1d_pad(op);
        workspace_size = conv1d_workspace(op, kBatch, length);
    }
    Sequence<float> x{nullptr, kBatch, length, op.in_channels, pad};
    Sequence<float> y{nullptr, kBatch, op.out_length(length), op.out_channels, pad};
    auto x_values = random_values(x.size(), 1), y_values = random_values(y.size(), 2);
    auto weight = random_values(op.weight_size(), 3), bias = random_values(op.out_channels, 4);
    std::vector<float> workspace(static_cast<std::size_t>(workspace_size));
    x.data = x_values.data();
    y.data = y_values.data();
    for (auto _ : state) run(stream, op, pass, x, y, weight, bias, workspace);
    count_flops(state, 2 * kBatch * (transposed ? length : y.length) * op.weight_size());
}

void time_ceiling(benchmark::State& state) {
    cpu::Stream stream;
    constexpr Index kDepth = 128, kRepeats = 200, kTasks = 64;
    const Index columns = cpu::panel_columns<float>();
    const auto a = random_values(cpu::kTileRows * kDepth, 1), b = random_values(kDepth * columns, 2);
    std::vector<float> panel(static_cast<std::size_t>((1 + kDepth) * columns));
    cpu::pack_panel<float>({.b = b.data(), .inner = kDepth, .inner_stride = columns, .columns = columns},
                           panel.data());
    std::vector<float> c(static_cast<std::size_t>(kTasks * cpu::kTileRows * columns));
    for (auto _ : state)
        stream.parallel_for(kTasks, [&](Index task) {
            for (Index i = 0; i < kRepeats; ++i)
                cpu::multiply_panel<float>({.a = a.data(),
                                            .a_rows = {cpu::kTileRows, 0, kDepth},
                                            .inner = kDepth,
                                            .panel = panel.data(),
                                            .columns = columns,
                                            .c = c.data() + task * cpu::kTileRows * columns,
                                            .c_rows = {cpu::kTileRows, 0, columns}},
                                           0, cpu::kTileRows);
        });
    count_flops(state, kTasks * kRepeats * 2 * cpu::kTileRows * kDepth * columns);
}
BENCHMARK(time_ceiling)->Name("ceiling")->UseRealTime();

template <class Op>
void add(const std::string& name, const Op& op, Index length) {
    const std::pair<Pass, const char*> passes[] = {{Pass::forward, "forward"},
                                                   {Pass::data_gradient, "data_gradient"},
                                                   {Pass::weight_gradient, "weight_gradient"}};
    for (const auto& [pass, pass_name] : passes)
        benchmark::RegisterBenchmark(
            (name + "/" + pass_name).c_str(),
            [op, length, pass = pass](benchmark::State& state) { time_pass(state, op, length, pass); })
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
}

// Registers the shapes of the network of `base` channels at 200 samples.
void add_network(Index base) {
    const std::string prefix = "conv1d/base:" + std::to_string(base) + "/";
    add(prefix + "stem_k15", Conv1d{1, base, 15, 1, 1, 7}, 200);
    add(prefix + "stem_1x1", Conv1d{3 * base, base, 1, 1, 1, 0}, 200);
    Index length = 200;
    for (Index level = 0; level < 4; ++level, length /= 2) {
        const Index c = base << level;
        add(prefix + "block_T" + std::to_string(length), Conv1d{c, c, 7, 1, 1, 3}, length);
        if (level < 3) add(prefix + "down_T" + std::to_string(length), Conv1d{c, c, 4, 2, 1, 1}, length);
        if (level > 0)
            add(prefix + "up_T" + std::to_string(length), ConvTranspose1d{c, c / 2, 4, 2, 1}, length);
    }
    add(prefix + "signal_head", Conv1d{base, 1, 1, 1, 1, 0}, 200);
}

const bool kRegistered = [] {
    add_network(16);
    add_network(64);
    return true;
}();

}  // namespace
}  // namespace abr
