// Attention pooling over the bottleneck and over the decoder's output.
#include "kernels/attention_pool.hpp"

#include "bench/networks.hpp"

namespace abr::bench {
namespace {

void add(Suite& suite, const Setting& n, const std::string& part, Index length, Index channels) {
    const Index batch = n.batch, hidden = channels / 2;
    const AttentionPool op{channels, hidden};
    const double flop = 2.0 * static_cast<double>(batch * length * channels * hidden);
    suite.add("attention_pool_forward/" + n.name + "/" + part, flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const AttentionPoolForward<T> a{
            .x = m.input(Sequence<T>{nullptr, batch, length, channels, 0}),
            .weight = m.input(channels * hidden, -0.1, 0.1),
            .bias = m.input(hidden),
            .score = m.input(hidden),
            .h = m.output(batch * length * hidden),
            .a = m.output(batch * length),
            .y = m.output(Matrix<T>{nullptr, batch, channels}),
            .workspace = m.workspace(attention_pool_workspace(op, batch, length))};
        return [=](auto& stream) { attention_pool_forward<T>(stream, op, a); };
    });
    suite.add("attention_pool_backward/" + n.name + "/" + part, 2 * flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const Sequence<T> shape{nullptr, batch, length, channels, 0};
        const AttentionPoolBackward<T> a{
            .dy = m.input(Matrix<T>{nullptr, batch, channels}),
            .x = m.input(shape),
            .weight = m.input(channels * hidden, -0.1, 0.1),
            .score = m.input(hidden),
            .h = m.input(batch * length * hidden),
            .a = m.input(batch * length, 0, 2.0 / static_cast<double>(length)),
            .dx = m.output(shape),
            .write = Write::overwrite,
            .dweight = m.accumulated(channels * hidden),
            .dbias = m.accumulated(hidden),
            .dscore = m.accumulated(hidden),
            .workspace = m.workspace(attention_pool_workspace(op, batch, length))};
        return [=](auto& stream) { attention_pool_backward<T>(stream, op, a); };
    });
}

}  // namespace

void add_attention_pool_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        add(suite, n, "bottleneck", n.tokens(), n.width());
        add(suite, n, "decoder", n.length(0), n.channels(0));
    }
}

}  // namespace abr::bench
