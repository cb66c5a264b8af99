#include "kernels/loss.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/kernels/loss_reference.hpp"

namespace abr {

using test::for_each_option;
using test::GuardedBuffer;
using test::kSmallLoss;
using test::LossProblem;
using test::LossShape;

TEST_CASE_TEMPLATE("loss: values and gradients of every head hold the naive formulas for every option", T,
                   float, double) {
    cpu::Stream stream(1);
    for (const LossShape shape : {kSmallLoss, LossShape{1, 1, 1, 2, 0}, LossShape{33, 31, 32, 5, 1}})
        for_each_option([&](const LossSettings& settings, bool weighted) {
            test::check_loss<T>(stream, shape, settings, weighted);
        });
}

TEST_CASE_TEMPLATE("loss: a recording mixed of two classes counts for each by its share", T, float, double) {
    cpu::Stream stream(1);
    for_each_option([&](const LossSettings& settings, bool weighted) {
        test::check_loss<T>(stream, kSmallLoss, settings, weighted, true);
    });
    LossProblem<T> p(kSmallLoss);
    p.mixed = true;
    set_options(p, {}, true);
    p.count();
    double expected = 0;
    for (Index b = 0; b < kSmallLoss.batch; ++b) {
        if (p.label[b] < 0) continue;
        const auto share = static_cast<double>(p.first_share[b]);
        expected += share * static_cast<double>(p.class_weights[p.label[b]]) +
                    (1 - share) * static_cast<double>(p.class_weights[p.second_class[b]]);
    }
    CHECK(p.sums.denominator[Component::classification] == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("loss: gradients of every head equal finite differences of the total for every option") {
    for_each_option([&](const LossSettings& settings, bool weighted) {
        LossProblem<double> p(kSmallLoss);
        set_options(p, settings, weighted);
        p.run_with_gradients();
        const auto loss = [&] { return p.total(); };
        const auto check = [&](GuardedBuffer<double>& x, const GuardedBuffer<double>& gradient,
                               const std::string& head) {
            test::check_gradient(loss, x.data(), x.size(), gradient.data(), head);
        };
        check(p.logits, p.logits_gradient, "logits");
        check(p.exist_head, p.exist_gradient, "exist");
        check(p.latency_head, p.latency_gradient, "latency");
        check(p.amplitude_head, p.amplitude_gradient, "amplitude");
        check(p.threshold_head, p.threshold_gradient, "threshold");
        for (const Index b : {Index{0}, kSmallLoss.batch - 1}) {
            test::check_gradient(loss, p.signal_head.view().row(b, 0), kSmallLoss.padded,
                                 p.signal_gradient.view().row(b, 0), "signal");
        }
    });
}

}  // namespace abr
