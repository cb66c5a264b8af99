#include "model/learner.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/kernels/simd_levels.hpp"
#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// Trains over the whole order, `steps` times around.
std::unique_ptr<Learner> trained(const LearnerSettings& settings, const SmallRecordings& data, int steps,
                                 int threads = 1) {
    auto learner = make_cpu_learner(settings, data.view(), threads);
    const auto order = data.order();
    const Index rows = settings.batch_size * settings.accumulation;
    const auto total = static_cast<Index>(order.size());
    const Index steps_per_epoch = (total + rows - 1) / rows;
    for (int step = 0; step < steps; ++step) {
        const Index begin = step % steps_per_epoch * rows;
        if (begin == 0)
            learner->begin_epoch(static_cast<std::uint32_t>(step / steps_per_epoch), order, kAllWeights);
        learner->train_step(step, begin, std::min(rows, total - begin), 3e-3);
    }
    return learner;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::abs(double{a[i]} - double{b[i]}));
    return largest;
}

}  // namespace

TEST_CASE("pitfall 4: k micro-batches of b give the update of one batch of k*b") {
    const SmallRecordings data(24, 37);
    const auto whole = trained(small_settings(24, 1), data, 1);
    const auto parts = trained(small_settings(6, 4), data, 1);
    // The first moment is the clipped gradient times 1 - beta1: compared before Adam's division magnifies rounding.
    const auto a = whole->state().first_moment;
    const auto b = parts->state().first_moment;
    double largest = 0;
    for (const float v : a) largest = std::max(largest, std::abs(double{v}));
    CHECK(largest > 1e-4);
    CHECK(largest_difference(a, b) <= 2e-5 * largest);
    const StepRecord first = whole->steps()[0], second = parts->steps()[0];
    CHECK(first.grad_norm == doctest::Approx(second.grad_norm).epsilon(1e-5));
    for (std::size_t c = 0; c < kComponents; ++c)
        CHECK(first.loss[c] == doctest::Approx(second.loss[c]).epsilon(1e-5));
}

TEST_CASE("pitfall 4: gradients do not survive a step, with one micro-batch or several") {
    // Were they kept, a second step on the same recordings would report about twice the norm.
    auto settings = small_settings(24, 1);
    settings.optimizer.gradient_clip = 0;
    const SmallRecordings data(24, 37);
    auto learner = make_cpu_learner(settings, data.view(), 1);
    learner->begin_epoch(0, data.order(), kAllWeights);
    learner->train_step(0, 0, 24, 0);
    learner->begin_epoch(0, data.order(), kAllWeights);
    const double first = [&] {
        learner->train_step(0, 0, 24, 0);
        return learner->steps()[0].grad_norm;
    }();
    auto fresh = make_cpu_learner(settings, data.view(), 1);
    fresh->begin_epoch(0, data.order(), kAllWeights);
    fresh->train_step(0, 0, 24, 0);
    CHECK(first == fresh->steps()[0].grad_norm);
}

TEST_CASE("learner: the same bits for 1, 2 and 3 threads") {
    const SmallRecordings data(30, 37);
    const auto one = trained(small_settings(8, 2), data, 4, 1)->state();
    for (const int threads : {2, 3}) {
        const auto other = trained(small_settings(8, 2), data, 4, threads)->state();
        CHECK(one.value == other.value);
        CHECK(one.second_moment == other.second_moment);
    }
}

TEST_CASE(
    "learner: each SIMD level repeats itself to the bit, and all agree in the losses of the first steps") {
    const SmallRecordings data(30, 37);
    std::vector<StepRecord> first;
    for_each_simd_level([&](const std::string& level) {
        CAPTURE(level);
        const auto learner = trained(small_settings(8, 2), data, 2);
        CHECK(learner->state().value == trained(small_settings(8, 2), data, 2, 3)->state().value);
        const auto records = learner->steps();
        if (first.empty()) first.assign(records.begin(), records.end());
        for (std::size_t i = 0; i < records.size(); ++i) {
            CHECK(records[i].grad_norm == doctest::Approx(first[i].grad_norm).epsilon(1e-4));
            for (std::size_t c = 0; c < kComponents; ++c)
                CHECK(records[i].loss[c] == doctest::Approx(first[i].loss[c]).epsilon(1e-4));
        }
    });
    CHECK(first.size() == 2);
}

TEST_CASE("learner: overfits one batch") {
    auto settings = small_settings(20, 1);
    settings.shape.dropout = 0;
    settings.batch.augmentation.probability = 0;
    settings.batch.degradation.probability = 0;
    settings.optimizer.weight_decay = 0;
    const SmallRecordings data(20, 37);
    auto learner = make_cpu_learner(settings, data.view(), 2);
    learner->begin_epoch(0, data.order(), kAllWeights);
    learner->train_step(0, 0, 20, 5e-3);
    const StepRecord first = learner->steps()[0];
    StepRecord last;
    for (int step = 1; step < 300; ++step) {
        learner->begin_epoch(0, data.order(), kAllWeights);
        learner->train_step(step, 0, 20, 5e-3);
        last = learner->steps()[0];
    }
    CHECK(last.loss_total < 0.02 * first.loss_total);
    const Evaluation evaluation = learner->evaluate(data.view());
    for (Index k = 0; k < 5; ++k) CHECK(evaluation.confusion[static_cast<std::size_t>(6 * k)] == 4);
}

TEST_CASE("pitfall 14: every parameter tensor receives a gradient, or is named") {
    const SmallRecordings data(20, 37);
    auto learner = make_cpu_learner(small_settings(10, 1), data.view(), 1);
    const auto before = learner->state().value;
    CHECK(learner->tensors_without_gradient(data.order(), kAllWeights).empty());
    CHECK(learner->state().value == before);

    SUBCASE("without the weight of its component a head is named") {
        auto weights = kAllWeights;
        weights[Component::threshold] = 0;
        const auto names = learner->tensors_without_gradient(data.order(), weights);
        REQUIRE(names.size() == 4);
        for (const auto& name : names) CHECK(name.starts_with("heads.threshold."));
    }
    SUBCASE("a head that no recording can train is named") {
        DeviceRecordings blind = data.view();
        const std::vector<float> nothing(20, NAN);
        blind.scalar[Component::threshold] = nothing.data();
        auto other = make_cpu_learner(small_settings(10, 1), blind, 1);
        const auto names = other->tensors_without_gradient(data.order(), kAllWeights);
        REQUIRE(names.size() == 4);
        for (const auto& name : names) CHECK(name.starts_with("heads.threshold."));
    }
}

TEST_CASE("learner: frozen parts keep their bits, their moments stay 0, and the norm is that of the others") {
    const SmallRecordings data(24, 37);
    auto settings = small_settings(8, 1);
    settings.ema_decay = 0.9;
    const LearnerState before = make_cpu_learner(settings, data.view(), 1)->state();
    settings.rates.frozen = {"heads", "stem", "encoder.1", "decoder.0.block0.conv1.weight"};
    auto learner = trained(settings, data, 6);
    const LearnerState after = learner->state();
    for (const auto& spec : learner->network().parameters().specs()) {
        CAPTURE(spec.name);
        const bool is_frozen = spec.name.starts_with("stem.") || spec.name.starts_with("encoder.1.") ||
                               spec.name == "decoder.0.block0.conv1.weight" ||
                               spec.group == ParameterGroup::heads;
        CHECK(belongs_to_any(spec, settings.rates.frozen) == is_frozen);
        const auto at = [&](const std::vector<float>& buffer) {
            return std::vector(buffer.begin() + spec.offset, buffer.begin() + spec.offset + spec.size);
        };
        CHECK((at(after.value) == at(before.value)) == is_frozen);
        CHECK((at(after.ema) == at(before.ema)) == is_frozen);
        CHECK((at(after.first_moment) == at(before.first_moment)) == is_frozen);
        CHECK((at(after.second_moment) == at(before.second_moment)) == is_frozen);
    }
    CHECK(learner->steps()[0].grad_norm > 0);
    settings.rates.frozen = {"encoder", "decoder", "heads"};
    CHECK(trained(settings, data, 1)->steps()[0].grad_norm == 0);
}

TEST_CASE(
    "pitfall 15: shuffle, augmentation and dropout differ between epochs, validation does not disturb them") {
    const SmallRecordings data(20, 37);
    const auto losses = [&](bool with_validation) {
        auto learner = make_cpu_learner(small_settings(20, 1), data.view(), 1);
        std::vector<double> totals;
        for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
            learner->begin_epoch(epoch, data.order(), kAllWeights);
            learner->train_step(epoch, 0, 20, 0);  // rate 0: only the random numbers differ
            totals.push_back(learner->steps()[0].loss_total);
            if (with_validation) learner->evaluate(data.view());
        }
        return totals;
    };
    const auto plain = losses(false);
    CHECK(plain[0] != plain[1]);
    CHECK(plain[1] != plain[2]);
    CHECK(plain == losses(true));
}

TEST_CASE("learner: a bad recording is latched with its step and component, and nothing more is learnt") {
    SmallRecordings data(20, 37);
    DeviceRecordings bad = data.view();
    std::vector<float> thresholds(20, 10.0f);
    thresholds[13] = INFINITY;
    bad.scalar[Component::threshold] = thresholds.data();
    auto learner = make_cpu_learner(small_settings(5, 1), bad, 1);
    learner->begin_epoch(0, data.order(), kAllWeights);
    std::vector<float> before;
    std::int64_t bad_step = -1;
    for (Index step = 0; step < 4; ++step) {
        const auto value = learner->state().value;
        learner->train_step(step, 5 * step, 5, 1e-3);
        if (bad_step < 0 && learner->status().bad_step >= 0) {
            bad_step = step;
            before = value;
        }
    }
    REQUIRE(bad_step >= 0);
    CHECK(learner->status().bad_step == bad_step);
    CHECK(learner->status().bad_component == static_cast<int>(Component::threshold));
    CHECK(learner->state().value == before);
}
