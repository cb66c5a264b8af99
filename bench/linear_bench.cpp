// Every linear map of the network, each of its passes.
#include "bench/networks.hpp"
#include "kernels/linear.hpp"

namespace abr::bench {
namespace {

void add(Suite& suite, const Setting& n, const std::string& part, Index rows, Index in, Index out) {
    const double flop = 2.0 * static_cast<double>(rows * in * out);
    const auto name = [&](const char* pass) { return std::string(pass) + "/" + n.name + "/" + part; };
    suite.add(name("linear_forward"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto x = m.input(Matrix<T>{nullptr, rows, in});
        const T *weight = m.input(in * out), *bias = m.input(out);
        const auto y = m.output(Matrix<T>{nullptr, rows, out});
        T* workspace = m.workspace(linear_workspace(in, out, rows));
        return [=](auto& stream) { linear_forward<T>(stream, x, weight, bias, y, workspace); };
    });
    suite.add(name("linear_backward_data"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto dy = m.input(Matrix<T>{nullptr, rows, out});
        const T* weight = m.input(in * out);
        const auto dx = m.output(Matrix<T>{nullptr, rows, in});
        T* workspace = m.workspace(linear_workspace(in, out, rows));
        return [=](auto& stream) {
            linear_backward_data<T>(stream, dy, weight, dx, Write::overwrite, workspace);
        };
    });
    suite.add(name("linear_backward_weight"), flop, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto x = m.input(Matrix<T>{nullptr, rows, in}), dy = m.input(Matrix<T>{nullptr, rows, out});
        T *dweight = m.accumulated(in * out), *dbias = m.accumulated(out);
        T* workspace = m.workspace(linear_workspace(in, out, rows));
        return [=](auto& stream) { linear_backward_weight<T>(stream, x, dy, dweight, dbias, workspace); };
    });
}

}  // namespace

void add_linear_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        const Index rows = n.batch * n.tokens(), width = n.width(), embedding = n.shape.embed_dim;
        add(suite, n, "attention_qkv", rows, width, 3 * width);
        add(suite, n, "attention_projection", rows, width, width);
        add(suite, n, "attention_expand", rows, width, n.shape.feed_forward * width);
        add(suite, n, "attention_contract", rows, n.shape.feed_forward * width, width);
        add(suite, n, "embedding_first", n.batch, n.shape.static_inputs, embedding);
        add(suite, n, "embedding_second", n.batch, embedding, embedding);
        for (Index level = 0; level < n.shape.levels; ++level) {
            const Index c = n.channels(level);
            add(suite, n, "film_C" + std::to_string(c), n.batch, embedding, 2 * c);
        }
        add(suite, n, "head_first", n.batch, n.joined_width(), n.shape.head_hidden);
        add(suite, n, "head_classes", n.batch, n.shape.head_hidden, n.shape.classes);
        add(suite, n, "head_scalar", n.batch, n.shape.head_hidden, 1);
    }
}

}  // namespace abr::bench
