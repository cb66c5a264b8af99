// The multi-task loss: its denominators, its values alone (evaluation), and with every head's gradient (training).
#include "kernels/loss.hpp"

#include "bench/operands.hpp"

namespace abr::bench {
namespace {

LossSums denominators(Index batch, Index length) {
    const auto count = static_cast<double>(batch);
    LossSums sums;
    sums.denominator = {{count * static_cast<double>(length), count, count, count, count, count}};
    return sums;
}

}  // namespace

void add_loss_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        suite.add("loss_denominators/" + n.name + "/step", 0, [n](auto& m) {
            using T = Scalar<decltype(m)>;
            const T* class_weights = m.input(n.shape.classes, 0.5, 1.5);
            const Targets<T> t = targets(m, n);
            LossSums* sums = m.record(LossSums{}, values_of);
            return [=](auto& stream) { loss_denominators<T>(stream, class_weights, t, sums); };
        });
        for (const bool training : {true, false})
            suite.add(
                "multi_task_loss/" + n.name + (training ? "/gradients" : "/values"), 0,
                [n, training](auto& m) {
                    using T = Scalar<decltype(m)>;
                    const PerComponent<double> weights{{0.8, 0.6, 1.2, 1.1, 2.5, 0.9}};
                    LossArguments<T> a{.heads = heads(m, n),
                                       .targets = targets(m, n),
                                       .class_weights = m.input(n.shape.classes, 0.5, 1.5),
                                       .weights = m.given(std::vector<PerComponent<double>>{weights}),
                                       .sums = m.record(denominators(n.batch, n.shape.length), values_of),
                                       .gradients = nullptr,
                                       .workspace = m.template workspace<double>(loss_workspace(n.batch))};
                    Heads<T> gradients;
                    if (training)
                        gradients = {.signal = m.output(Sequence<T>{nullptr, n.batch, n.length(0), 1, 0}),
                                     .answer = of_components<Matrix<T>>(has_answer, [&](Component c) {
                                         return m.output(Matrix<T>{nullptr, n.batch, n.shape.outputs(c)});
                                     })};
                    return [=](auto& stream) mutable {
                        a.gradients = training ? &gradients : nullptr;
                        multi_task_loss<T>(stream, {}, a);
                    };
                });
    }
}

}  // namespace abr::bench
