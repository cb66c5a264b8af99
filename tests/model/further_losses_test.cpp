// Losses beside the fused one: value, weight and gradient of one that the learner is given.
#include "model/further_losses.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/cpu/buffer.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/loss_terms.hpp"
#include "model/backend_learner.hpp"
#include "model/backend_learner_evaluation.hpp"
#include "model/backend_learner_trace.hpp"
#include "tests/model/small_problem.hpp"

namespace abr {
namespace {

using namespace test;

// Half the mean square norm of the features. It takes the place of a task that nobody labels.
struct FeatureEnergy {
    static constexpr Component kComponent = Component::threshold;

    explicit FeatureEnergy(const LearnerSettings&) {}
    Index workspace(const NetworkShape&, Index) const { return 0; }
    template <class S>
    void count(S&, const Batch<float>& step, LossSums* sums) const {
        sums->denominator[kComponent] += static_cast<double>(step.input.batch);
    }
    template <class P>
    void add(const LossContext<P>& c) const {
        const Sequence<const float> features = c.pass.value(c.tensors.features);
        for (Index i = 0; i < features.size(); ++i)
            c.sums->numerator[kComponent] += 0.5 * static_cast<double>(features.data[i] * features.data[i]);
        if (c.state == nullptr) return;
        const double scale = gradient_scale(c.state->weights[kComponent], c.sums->denominator[kComponent]);
        const auto [to, write] = c.pass.contribution(c.tensors.features);
        for (Index i = 0; i < features.size(); ++i) {
            const auto share = static_cast<float>(scale) * features.data[i];
            to.data[i] = write == Write::overwrite ? share : to.data[i] + share;
        }
    }
};

using LearnerWithEnergy = BackendLearner<cpu::Stream, cpu::Buffer, Group, LossList<FeatureEnergy>>;

// Twelve recordings without a threshold.
struct Unlabelled {
    SmallRecordings data{12, 37};
    std::vector<float> none = std::vector<float>(12, NAN);
    DeviceRecordings view() const {
        DeviceRecordings view = data.view();
        view.scalar[Component::threshold] = none.data();
        return view;
    }
};

LearnerSettings settings_of(bool built) {
    LearnerSettings settings = small_settings(12, 1);
    settings.shape.built[FeatureEnergy::kComponent] = built;
    return settings;
}

std::vector<float> traced(LearnerWithEnergy& learner, const std::string& name) {
    for (const HostTensor& tensor : learner.trace_step(0, 0, 12))
        if (tensor.name == name) return tensor.values;
    FAIL("no tensor of that name: ", name);
    return {};
}

double energy(LearnerWithEnergy& learner) {
    return static_cast<double>(
        traced(learner, "losses")[static_cast<std::size_t>(FeatureEnergy::kComponent)]);
}

}  // namespace

TEST_CASE("further losses: the gradient is that of the weighted value") {
    const Unlabelled recordings;
    LearnerWithEnergy learner(settings_of(true), recordings.view(), 1);
    const double weight = 0.7;
    learner.begin_epoch(0, recordings.data.order(),
                        per_component<double>({{FeatureEnergy::kComponent, weight}}));
    CHECK(energy(learner) > 0);

    // The features are a norm's output: in its bias the value is a parabola, whose central difference is exact.
    const LearnerState before = learner.state();
    const std::vector<float> gradient = traced(learner, "gradients/heads.norm.bias");
    const auto specs = learner.network().parameters().specs();
    const auto bias = std::ranges::find(specs, std::string("heads.norm.bias"), &ParameterSpec::name);
    REQUIRE(bias != specs.end());
    const auto energy_at = [&](float step) {
        LearnerState moved = before;
        for (Index i = 0; i < bias->size; ++i)
            moved.value[static_cast<std::size_t>(bias->offset + i)] += step * static_cast<float>(i % 3);
        learner.restore(moved);
        return energy(learner);
    };
    double expected = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i)
        expected += static_cast<double>(gradient[i]) * static_cast<double>(i % 3);
    CHECK(weight * (energy_at(0.5f) - energy_at(-0.5f)) == doctest::Approx(expected).epsilon(1e-4));
}

TEST_CASE(
    "further losses: one of weight 0 is measured and teaches nothing, one that is off is not measured") {
    const Unlabelled recordings;
    LearnerWithEnergy measured(settings_of(true), recordings.view(), 1);
    measured.begin_epoch(0, recordings.data.order(), {});
    CHECK(energy(measured) > 0);
    const std::vector<float> gradient = traced(measured, "gradients/heads.norm.bias");
    CHECK(std::ranges::all_of(gradient, [](float g) { return g == 0; }));

    LearnerWithEnergy off(settings_of(false), recordings.view(), 1);
    off.begin_epoch(0, recordings.data.order(), {});
    CHECK(energy(off) == 0);
}

TEST_CASE("further losses: evaluation measures them over the whole split") {
    const Unlabelled recordings;
    LearnerSettings in_parts = settings_of(true);
    in_parts.batch_size = 5;
    LearnerWithEnergy whole(settings_of(true), recordings.view(), 1), parts(in_parts, recordings.view(), 1);
    const LossSums expected = whole.evaluate(recordings.view(), false).losses;
    const LossSums found = parts.evaluate(recordings.view(), false).losses;
    CHECK(expected.denominator[FeatureEnergy::kComponent] == 12);
    CHECK(found.denominator[FeatureEnergy::kComponent] == 12);
    CHECK(found.numerator[FeatureEnergy::kComponent] ==
          doctest::Approx(expected.numerator[FeatureEnergy::kComponent]).epsilon(1e-6));
}

TEST_CASE("further losses: the map that points at wave V is taught by its own loss alone") {
    const SmallRecordings data(12, 37);
    LearnerSettings settings = small_settings(12, 1);
    settings.shape.built[Component::peak_location] = true;
    settings.shape.dropout = 0;
    // Sample t stands at its own time, in the unit of the latency's head.
    const Standardisation latency = settings.batch.target[Component::peak_latency];
    const auto scale = static_cast<double>(latency.inverse_scale);
    settings.shape.first_place = (settings.batch.first_sample_ms - static_cast<double>(latency.mean)) * scale;
    settings.shape.place_step = settings.batch.sample_interval_ms * scale;
    BackendLearner<cpu::Stream, cpu::Buffer> learner(settings, data.view(), 1);
    const double weight = 0.7;
    const auto weights = per_component<double>({{Component::peak_location, weight}});
    learner.begin_epoch(0, data.order(), weights);
    const auto traced = [&](const std::string& name) -> std::vector<float> {
        for (const HostTensor& tensor : learner.trace_step(0, 0, 12))
            if (tensor.name == name) return tensor.values;
        FAIL("no tensor of that name: ", name);
        return {};
    };
    const auto loss = [&] {
        return static_cast<double>(traced("losses")[static_cast<std::size_t>(Component::peak_location)]);
    };
    CHECK(loss() > 0);
    const std::vector<float> gradient = traced("gradients/heads.pointer.score.weight");
    const auto specs = learner.network().parameters().specs();
    const auto score =
        std::ranges::find(specs, std::string("heads.pointer.score.weight"), &ParameterSpec::name);
    REQUIRE(score != specs.end());
    const LearnerState before = learner.state();
    const auto loss_at = [&](float step) {
        LearnerState moved = before;
        for (Index i = 0; i < score->size; ++i)
            moved.value[static_cast<std::size_t>(score->offset + i)] += step * static_cast<float>(i % 3 - 1);
        learner.restore(moved);
        return loss();
    };
    double expected = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i)
        expected += static_cast<double>(gradient[i]) * static_cast<double>(static_cast<int>(i % 3) - 1);
    CHECK(std::abs(expected) > 1e-4);
    CHECK(weight * (loss_at(0.01f) - loss_at(-0.01f)) / 0.02 == doctest::Approx(expected).epsilon(2e-3));
    // Descending along it alone points nearer to the marks.
    for (std::uint32_t epoch = 0; epoch < 60; ++epoch) {
        learner.begin_epoch(epoch, data.order(), weights);
        learner.train_step(epoch, 0, 12, 1e-2);
    }
    const double learnt = loss();
    CHECK(learnt < 0.5 * loss_at(0));
}

}  // namespace abr
