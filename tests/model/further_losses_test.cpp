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

}  // namespace abr
