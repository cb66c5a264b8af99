// The loss where it is easily wrong: masks, accumulation, extremes, and the defects of the system before.
#include "kernels/loss.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/loss_problem.hpp"

namespace abr {

using test::kSmallLoss;
using test::LossProblem;
using test::LossShape;

TEST_CASE("loss: denominators count what is labelled") {
    LossProblem<double> p(kSmallLoss);  // of rows 0-8, 1 and 5 have no class, 2 and 6 no existence, ...
    p.settings.classes = 5;
    for (Index k = 0; k < 5; ++k) p.class_weights[k] = static_cast<double>(k + 1);
    p.count();
    CHECK(p.sums.denominator[Component::signal] == 63);
    CHECK(p.sums.denominator[Component::peak_exist] == 7);
    CHECK(p.sums.denominator[Component::peak_latency] == 7);
    CHECK(p.sums.denominator[Component::peak_amplitude] == 6);
    CHECK(p.sums.denominator[Component::classification] == 1 + 3 + 4 + 5 + 2 + 3 + 4);
    CHECK(p.sums.denominator[Component::threshold] == 7 - 1 + 1);
}

TEST_CASE_TEMPLATE("pitfall 4: k micro-batches give the sums and gradients of one large batch, bit for bit",
                   T, float, double) {
    const LossShape shape{12, 7, 8, 5, 2};
    LossProblem<T> whole(shape), parts(shape);
    whole.settings.focal_gamma = parts.settings.focal_gamma = 2;
    for (Index k = 0; k < 5; ++k)
        whole.class_weights[k] = parts.class_weights[k] = static_cast<T>(0.1 + 0.3 * k);
    whole.run_with_gradients();

    cpu::Stream stream(2);
    parts.run_in_parts(stream, {0, 1, 6, 10, 12});
    CHECK(parts.same_bits(whole));
}

TEST_CASE(
    "pitfall 6: focal gamma, class weights, smoothing, Huber deltas and positive weight reach the loss") {
    LossProblem<double> p(kSmallLoss);
    p.settings.focal_gamma = 1;
    const auto numerators = [&] {
        p.run_with_gradients();
        return p.sums.numerator;
    };
    const PerComponent<double> before = numerators();
    const auto changes = [&](auto&& change, Component component) {
        const LossSettings kept = p.settings;
        change();
        const PerComponent<double> after = numerators();
        p.settings = kept;
        for (std::size_t c = 0; c < kComponents; ++c) {
            INFO(kComponentNames[c]);
            CHECK((after[c] != before[c]) == (c == static_cast<std::size_t>(component)));
        }
    };
    changes([&] { p.settings.focal_gamma = 2; }, Component::classification);
    changes([&] { p.settings.label_smoothing = 0.1f; }, Component::classification);
    changes([&] { p.settings.positive_weight = 2; }, Component::peak_exist);
    changes([&] { p.settings.distance[Component::peak_latency].delta = 0.5f; }, Component::peak_latency);
    changes([&] { p.settings.distance[Component::peak_amplitude].delta = 0.5f; }, Component::peak_amplitude);
    changes([&] { p.settings.distance[Component::threshold].delta = 0.5f; }, Component::threshold);
    changes([&] { p.settings.distance[Component::signal] = {Distance::huber, 0.5f}; }, Component::signal);
    // The class weights stay in force under focal loss (last, for they stay changed).
    changes([&] { p.class_weights[2] = 3; }, Component::classification);
}

TEST_CASE("pitfall 8: existence is a logit, the sigmoid is applied once") {
    LossProblem<double> p({2, 1, 1, 2, 0});
    p.exist[0] = 1;
    p.exist[1] = 0;
    p.exist_head[0] = -3;
    p.exist_head[1] = -3;
    p.run_with_gradients();
    const double sigmoid = 1 / (1 + std::exp(3.0));
    CHECK(p.sums.numerator[Component::peak_exist] ==
          doctest::Approx(-std::log(sigmoid) - std::log(1 - sigmoid)).epsilon(1e-14));
    CHECK(p.exist_gradient[0] == doctest::Approx(0.6 / 2 * (sigmoid - 1)).epsilon(1e-14));
    CHECK(p.exist_gradient[1] == doctest::Approx(0.6 / 2 * sigmoid).epsilon(1e-14));
}

TEST_CASE(
    "pitfall 9: nothing is clamped, predictions far outside the usual range keep their loss and gradient") {
    LossProblem<double> p({2, 1, 1, 2, 0});
    p.settings.distance[Component::peak_latency] =
        p.settings.distance[Component::peak_amplitude] = {Distance::mse, 1};
    p.latency[0] = p.latency[1] = 18.5;
    p.amplitude[0] = p.amplitude[1] = 1.25;
    p.latency_head[0] = 18.0;
    p.latency_head[1] = -40.0;
    p.amplitude_head[0] = 1.0;
    p.amplitude_head[1] = 60.0;
    p.run_with_gradients();
    CHECK(p.sums.numerator[Component::peak_latency] == 0.25 + 58.5 * 58.5);
    CHECK(p.sums.numerator[Component::peak_amplitude] == 0.0625 + 58.75 * 58.75);
    CHECK(p.latency_gradient[1] == doctest::Approx(-1.2 * 58.5));
    CHECK(p.amplitude_gradient[1] == doctest::Approx(1.1 * 58.75));
}

TEST_CASE_TEMPLATE("loss: huge logits stay finite and exact", T, float, double) {
    LossProblem<T> p({2, 1, 1, 2, 0});
    p.label[0] = p.label[1] = 0;
    p.exist[0] = 1;
    p.exist[1] = 0;
    p.exist_head[0] = p.exist_head[1] = T{-2000};
    p.logits[0] = T{2000};
    p.logits[1] = T{-2000};
    p.logits[2] = T{-2000};
    p.logits[3] = T{2000};
    for (const float gamma : {0.0f, 0.5f, 2.0f}) {
        p.settings.focal_gamma = gamma;
        p.run_with_gradients();
        CHECK(p.sums.numerator[Component::peak_exist] == 2000);
        CHECK(p.sums.numerator[Component::classification] == 4000);
        CHECK(p.exist_gradient[0] == static_cast<T>(-0.3));
        CHECK(p.exist_gradient[1] == T{0});
        CHECK(p.logits_gradient[0] == T{0});
        CHECK(p.logits_gradient[1] == T{0});
        CHECK(p.logits_gradient[2] == static_cast<T>(-1.25));
        CHECK(p.logits_gradient[3] == static_cast<T>(1.25));
    }
}

TEST_CASE("loss: the focal gradient keeps its digits where p_y nears 1, for gamma below and above 1") {
    for (const float gamma : {0.25f, 0.5f, 1.0f, 2.0f}) {
        LossProblem<double> p({1, 1, 1, 2, 0});
        p.settings.focal_gamma = gamma;
        p.label[0] = 0;
        p.logits[0] = 50;
        p.logits[1] = 0;
        p.weights[Component::classification] = 1;
        p.run_with_gradients();
        // With q = 1 - p = e^-50 the loss is q^(1 + gamma) and dq/dz_y = -q, both to 1 + O(q).
        const double power = std::exp(-50.0 * (1.0 + gamma));
        CHECK(p.sums.numerator[Component::classification] == doctest::Approx(power).epsilon(1e-12));
        CHECK(p.logits_gradient[0] / power == doctest::Approx(-(1.0 + gamma)).epsilon(1e-12));
        CHECK(p.logits_gradient[1] / power == doctest::Approx(1.0 + gamma).epsilon(1e-12));
    }
}

TEST_CASE("loss: without any label every other component is 0 with a zero gradient") {
    for (const Index batch : {1, 5}) {
        LossProblem<float> p({batch, 3, 4, 5, 1});
        p.settings.focal_gamma = 2;
        for (Index b = 0; b < batch; ++b) {
            p.label[b] = p.exist[b] = -1;
            p.latency[b] = p.amplitude[b] = p.threshold[b] = std::numeric_limits<float>::quiet_NaN();
        }
        p.run_with_gradients();
        for (std::size_t c = 1; c < kComponents; ++c) {
            CHECK(p.sums.denominator[c] == 0);
            CHECK(p.sums.numerator[c] == 0);
        }
        const auto outputs = p.outputs();
        for (std::size_t i = 1; i < outputs.size(); ++i) {
            for (const float g : values(*outputs[i].second)) CHECK(g == 0);
        }
    }
}

TEST_CASE("loss: a component of weight 0 is measured and sends no gradient, not even from a NaN") {
    LossProblem<float> p(kSmallLoss);
    p.run_with_gradients();
    const LossSums before = p.sums;
    p.weights = {};
    p.run_with_gradients();
    CHECK(p.sums.numerator == before.numerator);
    p.signal_head.buffer().poison();
    for (auto* head : {&p.logits, &p.exist_head, &p.latency_head, &p.amplitude_head, &p.threshold_head}) {
        head->poison();
    }
    p.run_with_gradients();
    for (const Component c : kAllComponents) CHECK(std::isnan(p.sums.numerator[c]) == is_task(c));
    for (const auto& [name, buffer] : p.outputs()) {
        for (const float g : values(*buffer)) CHECK_MESSAGE(g == 0, name);
    }
}

TEST_CASE("loss: a head that is not built leaves its numerator as it is") {
    LossProblem<double> p(kSmallLoss);
    p.run_with_gradients();
    const PerComponent<double> full = p.sums.numerator;
    p.count();
    for (double& n : p.sums.numerator.values) n = 7;
    for (const Component c : {Component::signal, Component::classification, Component::peak_latency})
        p.built[c] = false;
    cpu::Stream stream(1);
    p.run_rows(stream, 0, kSmallLoss.batch, true);
    CHECK(p.sums.numerator[Component::signal] == 7);
    CHECK(p.sums.numerator[Component::classification] == 7);
    CHECK(p.sums.numerator[Component::peak_latency] == 7);
    for (const Component c : {Component::peak_exist, Component::peak_amplitude, Component::threshold}) {
        CHECK(p.sums.numerator[c] == doctest::Approx(7 + full[c]).epsilon(1e-14));
    }
}

TEST_CASE("loss: the same bits for 1, 2 and 3 threads") {
    const LossShape shape{37, 200, 200, 5, 3};
    LossProblem<float> one(shape);
    one.settings.focal_gamma = 2;
    one.run_with_gradients(1);
    for (const int threads : {2, 3}) {
        LossProblem<float> many(shape);
        many.settings.focal_gamma = 2;
        many.run_with_gradients(threads);
        CHECK(many.same_bits(one));
    }
}

}  // namespace abr
