// Self-attention over the bottleneck's tokens, and their positions.
#include "bench/networks.hpp"
#include "kernels/attention.hpp"

namespace abr::bench {

void add_attention_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        const Index batch = n.batch, length = n.tokens(), width = n.width();
        const Attention op{width, n.shape.heads};
        const Index probabilities = batch * op.heads * length * length;
        const double flop = 4.0 * static_cast<double>(batch * length * length * width);
        const std::string part = "/" + n.name + "/tokens";
        suite.add("attention_forward" + part, flop, [=](auto& m) {
            using T = Scalar<decltype(m)>;
            const auto qkv = m.input(Sequence<T>{nullptr, batch, length, 3 * width, 0});
            const auto o = m.output(Sequence<T>{nullptr, batch, length, width, 0});
            T* p = m.output(probabilities);
            return [=](auto& stream) { attention_forward<T>(stream, op, qkv, o, p); };
        });
        suite.add("attention_backward" + part, 2 * flop, [=](auto& m) {
            using T = Scalar<decltype(m)>;
            const auto d_o = m.input(Sequence<T>{nullptr, batch, length, width, 0});
            const auto qkv = m.input(Sequence<T>{nullptr, batch, length, 3 * width, 0});
            const T* p = m.input(probabilities, 0, 2.0 / static_cast<double>(length));
            const auto dqkv = m.output(Sequence<T>{nullptr, batch, length, 3 * width, 0});
            T* workspace = m.workspace(attention_workspace(op, batch, length));
            return [=](auto& stream) { attention_backward<T>(stream, op, d_o, qkv, p, dqkv, workspace); };
        });
        suite.add("add_positions" + part, 0, [=](auto& m) {
            using T = Scalar<decltype(m)>;
            const Sequence<T> shape{nullptr, batch, length, width, 0};
            const auto x = m.input(shape), y = m.output(shape);
            return [=](auto& stream) { add_positions<T>(stream, x, y); };
        });
    }
}

}  // namespace abr::bench
