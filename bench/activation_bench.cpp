// GELU with dropout behind it.
#include "bench/networks.hpp"
#include "kernels/activation.hpp"

namespace abr::bench {
namespace {

void add(Suite& suite, const Setting& n, const std::string& part, Index rows_per_recording, Index columns,
         float rate) {
    const Index rows = n.batch * rows_per_recording;
    suite.add("gelu_forward/" + n.name + "/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const Matrix<T> shape{nullptr, rows, columns};
        const auto x = m.input(shape), y = m.output(shape);
        const Dropout dropout{.rate = rate, .state = m.given(std::vector<StepState>(1))};
        return [=](auto& stream) { gelu_forward<T>(stream, x, dropout, rows_per_recording, y); };
    });
    suite.add("gelu_backward/" + n.name + "/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const Matrix<T> shape{nullptr, rows, columns};
        const auto dy = m.input(shape), x = m.input(shape), dx = m.output(shape);
        const Dropout dropout{.rate = rate, .state = m.given(std::vector<StepState>(1))};
        return [=](auto& stream) { gelu_backward<T>(stream, dy, x, dropout, rows_per_recording, dx); };
    });
}

}  // namespace

void add_activation_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        add(suite, n, "attention", n.tokens(), n.shape.feed_forward * n.width(), 0);
        add(suite, n, "embedding", 1, n.shape.embed_dim, 0);
        add(suite, n, "head", 1, n.shape.head_hidden, 0.1f);
    }
}

}  // namespace abr::bench
