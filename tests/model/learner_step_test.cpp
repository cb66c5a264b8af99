// What the learner hands to the optimiser: one step from a known state, held against the contract's formulas.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

constexpr double kLearningRate = 4e-3;

struct Step {
    LearnerState before, after;
    StepRecord record;
};

// One step over 12 recordings in two micro-batches, from parameters none of which is 0 and an average of 0.5.
Step step_with(const std::function<void(LearnerSettings&)>& change, std::int64_t step = 0) {
    LearnerSettings settings = small_settings(6, 2);
    settings.optimizer.weight_decay = 0;
    change(settings);
    const SmallRecordings data(12, 37);
    const auto learner = make_cpu_learner(settings, data.view(), 1);
    Step result;
    result.before = learner->state();
    std::uint32_t i = 0;
    for (float& value : result.before.value) value += static_cast<float>(0.1 * uniform(i++, 40));
    for (float& value : result.before.ema) value = 0.5f;
    learner->restore(result.before);
    learner->begin_epoch(0, data.order(), kAllWeights);
    learner->train_step(step, 0, 12, kLearningRate);
    result.after = learner->state();
    result.record = learner->steps()[0];
    return result;
}

const ParameterLayout& layout() {
    static const Network network(small_shape(), 1);
    return network.parameters();
}

// visit(spec, element) for all trained parameters.
template <class Visit>
void for_each_parameter(const Visit& visit) {
    for (const ParameterSpec& spec : layout().specs())
        for (Index e = spec.offset; e < spec.offset + spec.size; ++e)
            visit(spec, static_cast<std::size_t>(e));
}

// The largest of |value - expected|, both functions of (spec, element).
template <class Value, class Expected>
double largest_error(const Value& value, const Expected& expected) {
    double largest = 0;
    for_each_parameter([&](const ParameterSpec& spec, std::size_t e) {
        largest = std::max(largest, std::abs(double{value(spec, e)} - expected(spec, e)));
    });
    return largest;
}

}  // namespace

TEST_CASE("learner: a step is AdamW's with the rate, betas, epsilon, clip and number of the step") {
    for (const std::int64_t number : {0, 6}) {
        CAPTURE(number);
        const Step step = step_with(
            [](LearnerSettings& s) {
                s.optimizer = {
                    .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .weight_decay = 0, .gradient_clip = 0.25};
            },
            number);
        CHECK(step.record.step == number);
        CHECK(step.record.learning_rate == kLearningRate);
        REQUIRE(step.record.grad_norm > 0.25);
        double squares = 0;  // of the clipped gradient
        for (const float m : step.after.first_moment) squares += std::pow(double{m} / 0.2, 2);
        CHECK(std::sqrt(squares) == doctest::Approx(0.25).epsilon(1e-4));

        const double t = static_cast<double>(number) + 1;
        const double correction1 = 1 - std::pow(0.8, t), correction2 = 1 - std::pow(0.95, t);
        const auto gradient = [&](std::size_t e) { return double{step.after.first_moment[e]} / 0.2; };
        const double second =
            largest_error([&](auto&, std::size_t e) { return step.after.second_moment[e]; },
                          [&](auto&, std::size_t e) { return 0.05 * std::pow(gradient(e), 2); });
        CHECK(second < 1e-8);
        const double error =
            largest_error([&](auto&, std::size_t e) { return step.after.value[e]; },
                          [&](auto&, std::size_t e) {
                              const double m = 0.2 * gradient(e), v = 0.05 * std::pow(gradient(e), 2);
                              return double{step.before.value[e]} -
                                     kLearningRate * (m / correction1) / (std::sqrt(v / correction2) + 1e-3);
                          });
        CHECK(error < 1e-6);
    }
}

TEST_CASE("learner: each group of parameters steps at its multiple of the rate") {
    const Step plain = step_with([](LearnerSettings&) {});
    const Step multiplied = step_with([](LearnerSettings& s) { s.rates = {0.5f, 0, 3}; });
    const double multipliers[] = {0.5, 0, 3};
    double moved = 0;
    const double error = largest_error(
        [&](auto&, std::size_t e) { return multiplied.after.value[e]; },
        [&](const ParameterSpec& spec, std::size_t e) {
            const double by = double{plain.after.value[e]} - double{plain.before.value[e]};
            moved = std::max(moved, std::abs(by));
            return double{plain.before.value[e]} + multipliers[static_cast<std::size_t>(spec.group)] * by;
        });
    CHECK(moved > 0.5 * kLearningRate);
    CHECK(error < 2e-6);
}

TEST_CASE("learner: weights decay by rate times multiplier, biases, norms and FiLM do not") {
    constexpr double kDecay = 0.5;
    const auto rates = [](LearnerSettings& s) { s.rates = {1, 2, 0.5f}; };
    const Step plain = step_with(rates);
    const Step decayed = step_with([&](LearnerSettings& s) {
        rates(s);
        s.optimizer.weight_decay = kDecay;
    });
    const double multipliers[] = {1, 2, 0.5};
    std::size_t same = 0;
    const double error = largest_error(
        [&](const ParameterSpec& spec, std::size_t e) {
            if (!spec.decay) same += plain.after.value[e] == decayed.after.value[e] ? 1 : 0;
            return plain.after.value[e] - decayed.after.value[e];
        },
        [&](const ParameterSpec& spec, std::size_t e) {
            return spec.decay ? kLearningRate * multipliers[static_cast<std::size_t>(spec.group)] * kDecay *
                                    double{plain.before.value[e]}
                              : 0;
        });
    CHECK(error < 1e-6);
    CHECK(same > 100);
}

TEST_CASE("learner: the average of the weights warms up with the steps, up to its decay") {
    const std::vector<std::pair<std::int64_t, double>> decays = {{0, 0.1}, {3, 4.0 / 13}, {100000, 0.9}};
    for (const auto& [number, share] : decays) {
        CAPTURE(number);
        const Step step = step_with([](LearnerSettings& s) { s.ema_decay = 0.9; }, number);
        const double decay = share;
        const double error = largest_error(
            [&](auto&, std::size_t e) { return step.after.ema[e]; },
            [&](auto&, std::size_t e) { return decay * 0.5 + (1 - decay) * double{step.after.value[e]}; });
        CHECK(error < 1e-6);
    }
}
