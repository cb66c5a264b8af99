// Every convolution of the network, each of its passes.
#include "bench/networks.hpp"
#include "kernels/conv1d.hpp"

namespace abr::bench {
namespace {

enum class Gradients { all, weight };  // weight: the signal itself needs no gradient

void add(Suite& suite, const Setting& n, const std::string& part, const Conv1d& op, Index length,
         Gradients gradients = Gradients::all) {
    const Index batch = n.batch, pad = conv1d_pad(op), out = op.out_length(length);
    const double flop = 2.0 * static_cast<double>(batch * out * op.weight_size());
    const auto name = [&](const char* pass) { return std::string(pass) + "/" + n.name + "/" + part; };
    suite.add(name("conv1d_forward"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto x = m.input(Sequence<T>{nullptr, batch, length, op.in_channels, pad});
        const T *weight = m.input(op.weight_size()), *bias = m.input(op.out_channels);
        const auto y = m.output(Sequence<T>{nullptr, batch, out, op.out_channels, pad});
        T* workspace = m.workspace(conv1d_workspace(op, batch, length));
        return [=](auto& stream) { conv1d_forward<T>(stream, op, x, weight, bias, y, workspace); };
    });
    suite.add(name("conv1d_backward_weight"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto x = m.input(Sequence<T>{nullptr, batch, length, op.in_channels, pad});
        const auto dy = m.input(Sequence<T>{nullptr, batch, out, op.out_channels, pad});
        T *dweight = m.accumulated(op.weight_size()), *dbias = m.accumulated(op.out_channels);
        T* workspace = m.workspace(conv1d_workspace(op, batch, length));
        return [=](auto& stream) { conv1d_backward_weight<T>(stream, op, x, dy, dweight, dbias, workspace); };
    });
    if (gradients == Gradients::weight) return;
    suite.add(name("conv1d_backward_data"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto dy = m.input(Sequence<T>{nullptr, batch, out, op.out_channels, pad});
        const T* weight = m.input(op.weight_size());
        const auto dx = m.output(Sequence<T>{nullptr, batch, length, op.in_channels, pad});
        T* workspace = m.workspace(conv1d_workspace(op, batch, length));
        return [=](auto& stream) {
            conv1d_backward_data<T>(stream, op, dy, weight, dx, Write::overwrite, workspace);
        };
    });
}

void add(Suite& suite, const Setting& n, const std::string& part, const ConvTranspose1d& op, Index length) {
    const Index batch = n.batch, pad = conv_transpose1d_pad(op), out = op.out_length(length);
    const double flop = 2.0 * static_cast<double>(batch * length * op.weight_size());
    const auto name = [&](const char* pass) { return std::string(pass) + "/" + n.name + "/" + part; };
    suite.add(name("conv_transpose1d_forward"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto x = m.input(Sequence<T>{nullptr, batch, length, op.in_channels, pad});
        const T *weight = m.input(op.weight_size()), *bias = m.input(op.out_channels);
        const auto y = m.output(Sequence<T>{nullptr, batch, out, op.out_channels, pad});
        T* workspace = m.workspace(conv_transpose1d_workspace(op, batch, length));
        return [=](auto& stream) { conv_transpose1d_forward<T>(stream, op, x, weight, bias, y, workspace); };
    });
    suite.add(name("conv_transpose1d_backward_weight"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto x = m.input(Sequence<T>{nullptr, batch, length, op.in_channels, pad});
        const auto dy = m.input(Sequence<T>{nullptr, batch, out, op.out_channels, pad});
        T *dweight = m.accumulated(op.weight_size()), *dbias = m.accumulated(op.out_channels);
        T* workspace = m.workspace(conv_transpose1d_workspace(op, batch, length));
        return [=](auto& stream) {
            conv_transpose1d_backward_weight<T>(stream, op, x, dy, dweight, dbias, workspace);
        };
    });
    suite.add(name("conv_transpose1d_backward_data"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto dy = m.input(Sequence<T>{nullptr, batch, out, op.out_channels, pad});
        const T* weight = m.input(op.weight_size());
        const auto dx = m.output(Sequence<T>{nullptr, batch, length, op.in_channels, pad});
        T* workspace = m.workspace(conv_transpose1d_workspace(op, batch, length));
        return [=](auto& stream) {
            conv_transpose1d_backward_data<T>(stream, op, dy, weight, dx, Write::overwrite, workspace);
        };
    });
}

Conv1d same(Index in, Index out, Index kernel) {
    return {.in_channels = in, .out_channels = out, .kernel = kernel, .padding = kernel / 2};
}

}  // namespace

void add_conv1d_cases(Suite& suite) {
    for (const Setting& n : settings(Batches::and_large)) {
        const Index base = n.shape.base_channels, kernel = n.shape.kernel, last = n.shape.levels - 1;
        for (const Index k : n.shape.stem_kernels)
            add(suite, n, "stem_k" + std::to_string(k), same(1, base, k), n.length(0), Gradients::weight);
        const auto branches = static_cast<Index>(n.shape.stem_kernels.size());
        add(suite, n, "stem_mix", same(branches * base, base, 1), n.length(0));
        for (Index level = 0; level <= last; ++level) {
            const Index c = n.channels(level), length = n.length(level);
            const std::string at = "_T" + std::to_string(length);
            add(suite, n, "block" + at, same(c, c, kernel), length);
            if (level > 0) {
                add(suite, n, "encoder_widen" + at, same(c / 2, c, kernel), length);
                add(suite, n, "encoder_skip" + at, same(c / 2, c, 1), length);
                add(suite, n, "up_from" + at, ConvTranspose1d{c, c / 2, 4, 2, 1}, length);
            }
            if (level < last) {
                add(suite, n, "decoder_narrow" + at, same(2 * c, c, kernel), length);
                add(suite, n, "decoder_skip" + at, same(2 * c, c, 1), length);
                add(suite, n, "down_from" + at, Conv1d{c, c, 4, 2, 1, 1}, length);
            }
        }
        add(suite, n, "signal_head", same(base, 1, 1), n.length(0));
    }
}

}  // namespace abr::bench
