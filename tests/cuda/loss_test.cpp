#include <cmath>

#include "tests/kernels/loss_reference.hpp"

using namespace abr;
using namespace abr::test;

namespace {

LossSettings focal_settings() {
    LossSettings settings;
    settings.focal_gamma = 2;
    settings.label_smoothing = 0.1f;
    settings.positive_weight = 2.5f;
    return settings;
}

// More rows than the kernels that add them hold at a time.
constexpr LossShape kManyRows{257, 3, 4, 3, 1};

}  // namespace

TEST_CASE("loss: values and gradients of every head hold the naive formulas for every option") {
    cuda::Stream stream;
    for (const LossShape shape : {kSmallLoss, LossShape{1, 1, 1, 2, 0}, LossShape{3, 257, 264, 33, 1}})
        for_each_option([&](const LossSettings& settings, bool weighted) {
            check_loss<float>(stream, shape, settings, weighted);
        });
    check_loss<float>(stream, kManyRows, focal_settings(), true);
    check_loss<float>(stream, kManyRows, focal_settings(), true, true);
    for (const Index length : {31, 33})
        check_loss<float>(stream, {33, length, 40, 5, 1}, focal_settings(), true);
    if (!runs_real_sizes()) return;
    for (const Index length : {25, 50, 100, 200, 333})
        check_loss<float>(stream, {1, length, length + 8 - length % 8, 5, 4}, focal_settings(), true);
}

TEST_CASE("loss: the same bits under every schedule") {
    cuda::Stream stream;
    for (const LossShape& shape : {kSmallLoss, kManyRows}) {
        LossProblem<float> first(shape);
        set_options(first, focal_settings(), true);
        first.run_with_gradients(stream);
        for_each_schedule([&] {
            LossProblem<float> again(shape);
            set_options(again, focal_settings(), true);
            again.run_with_gradients(stream);
            CHECK(again.same_bits(first));
            for (const auto& [name, buffer] : again.outputs()) buffer->check_sentinels();
        });
    }
}

TEST_CASE("loss: micro-batches give the sums and gradients of one large batch, bit for bit") {
    cuda::Stream stream;
    LossProblem<float> whole(kManyRows), parts(kManyRows);
    set_options(whole, focal_settings(), true);
    set_options(parts, focal_settings(), true);
    whole.run_with_gradients(stream);
    parts.run_in_parts(stream, {0, 1, 128, 160, 257});
    CHECK(parts.same_bits(whole));
}

TEST_CASE("loss: a component of weight 0 is measured and sends no gradient, not even from a NaN") {
    cuda::Stream stream;
    LossProblem<float> p(kSmallLoss);
    p.weights = {};
    p.signal_head.buffer().poison();
    for (auto* head : {&p.logits, &p.exist_head, &p.latency_head, &p.amplitude_head, &p.threshold_head})
        head->poison();
    p.run_with_gradients(stream);
    for (const Component c : kAllComponents) CHECK(std::isnan(p.sums.numerator[c]) == is_task(c));
    for (const auto& [name, buffer] : p.outputs())
        for (const float g : values(*buffer)) CHECK_MESSAGE(g == 0, name);
}

TEST_CASE("loss: heads that are not built keep their numerator, validation writes no gradient") {
    cuda::Stream stream;
    LossProblem<float> p(kSmallLoss);
    p.run_with_gradients(stream);
    const PerComponent<double> full = p.sums.numerator;
    for (const bool gradients : {true, false}) {
        p.count(stream);
        for (double& n : p.sums.numerator.values) n = 7;
        for (const Component c : {Component::signal, Component::classification, Component::peak_latency})
            p.built[c] = false;
        for (const auto& [name, buffer] : p.outputs()) buffer->poison();
        p.run_rows(stream, 0, kSmallLoss.batch, gradients);
        for (std::size_t c = 0; c < kComponents; ++c)
            CHECK(p.sums.numerator[c] == (p.built[c] ? doctest::Approx(7 + full[c]).epsilon(1e-14) : 7.0));
        CHECK(std::isnan(p.signal_gradient.buffer()[0]));
        CHECK(std::isnan(p.exist_gradient[0]) == !gradients);
    }
}

TEST_CASE("loss: without any label every other component is 0 with a zero gradient") {
    cuda::Stream stream;
    LossProblem<float> p({5, 3, 4, 5, 1});
    for (Index b = 0; b < 5; ++b) {
        p.label[b] = p.exist[b] = -1;
        p.latency[b] = p.amplitude[b] = p.threshold[b] = std::numeric_limits<float>::quiet_NaN();
    }
    p.run_with_gradients(stream);
    for (std::size_t c = 1; c < kComponents; ++c) {
        CHECK(p.sums.denominator[c] == 0);
        CHECK(p.sums.numerator[c] == 0);
    }
    const auto outputs = p.outputs();
    for (std::size_t i = 1; i < outputs.size(); ++i)
        for (const float g : values(*outputs[i].second)) CHECK(g == 0);
}
