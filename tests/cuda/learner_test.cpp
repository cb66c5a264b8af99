// The whole network and its training step: CUDA against the CPU backend.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/cuda/error.hpp"
#include "model/learner_memory.hpp"
#include "tests/cuda/target.hpp"
#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

constexpr Index kRows = 8, kLength = 13;

// Everything that a network has, as small as it goes; steps of two micro-batches, and a smaller last step.
LearnerSettings tiny_settings() {
    LearnerSettings settings = small_settings(2, 2);
    NetworkShape& shape = settings.shape;
    shape.length = kLength;  // padded to 14
    shape.base_channels = 4;
    shape.levels = 2;
    shape.kernel = 3;
    shape.stem_kernels = {3, 5, 7};
    shape.groups = 2;
    shape.attention_layers = 1;
    shape.heads = 2;
    shape.embed_dim = 6;
    shape.head_hidden = 5;
    // Large enough that an update does not magnify the rounding of a gradient near zero.
    settings.optimizer.epsilon = 1e-3;
    settings.ema_decay = 0.9;
    return settings;
}

const SmallRecordings& recordings() {
    static const SmallRecordings all(kRows, kLength);
    return all;
}

std::unique_ptr<Learner> on_cpu(const LearnerSettings& settings,
                                const DeviceRecordings& train = recordings().view()) {
    return make_cpu_learner(settings, train, 1);
}
std::unique_ptr<Learner> on_cuda(const LearnerSettings& settings,
                                 const DeviceRecordings& train = recordings().view()) {
    return make_cuda_learner(settings, train);
}

// Steps [first, last) of training, two an epoch.
void train(Learner& learner, int first, int last) {
    for (int step = first; step < last; ++step) {
        if (step % 2 == 0 || step == first)
            learner.begin_epoch(static_cast<std::uint32_t>(step / 2), recordings().order(), kAllWeights);
        learner.train_step(step, step % 2 * 4, step % 2 == 0 ? 4 : 3, 3e-3);
    }
}

// Rounding through all layers and back. Errors are parts of the largest value of the tensor: its smallest gradients
// are differences of larger numbers.
constexpr double kTolerance = 2e-5;

template <class T>
void check_close(const std::vector<T>& found, const std::vector<T>& expected, const std::string& what) {
    REQUIRE_MESSAGE(found.size() == expected.size(), what);
    double largest = 0, error = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double f = found[i], e = expected[i];
        REQUIRE_MESSAGE(std::isfinite(f) == std::isfinite(e), what << " " << i << ": " << f << ", " << e);
        if (!std::isfinite(e)) continue;
        largest = std::max(largest, std::abs(e));
        error = std::max(error, std::abs(f - e));
    }
    CHECK_MESSAGE(error <= kTolerance * largest, what << ": " << error << " beside " << largest);
}

void check_close(const LearnerState& found, const LearnerState& expected) {
    check_close(found.value, expected.value, "parameters");
    check_close(found.first_moment, expected.first_moment, "first moment");
    check_close(found.second_moment, expected.second_moment, "second moment");
    check_close(found.ema, expected.ema, "average");
}

bool same_bits(const LearnerState& a, const LearnerState& b) {
    return a.value == b.value && a.first_moment == b.first_moment && a.second_moment == b.second_moment &&
           a.ema == b.ema;
}

void check_close(const RegressionSums& found, const RegressionSums& expected, const std::string& what) {
    CHECK(found.count == expected.count);
    check_close(std::vector{found.absolute_error, found.squared_error, found.target_mean,
                            found.target_squared_deviation},
                std::vector{expected.absolute_error, expected.squared_error, expected.target_mean,
                            expected.target_squared_deviation},
                what);
}

void check_close(const Evaluation& found, const Evaluation& expected) {
    CHECK(found.rows == expected.rows);
    check_close(found.answer[Component::classification], expected.answer[Component::classification],
                "logits");
    check_close(found.answer[Component::peak_exist], expected.answer[Component::peak_exist], "exist");
    check_close(found.answer[Component::peak_latency], expected.answer[Component::peak_latency], "latency");
    check_close(found.answer[Component::peak_amplitude], expected.answer[Component::peak_amplitude],
                "amplitude");
    check_close(found.answer[Component::threshold], expected.answer[Component::threshold], "threshold");
    check_close(found.signal_correlation, expected.signal_correlation, "correlation");
    check_close(found.signal_snr_gain_db, expected.signal_snr_gain_db, "SNR gain");
    check_close(found.restored_uv, expected.restored_uv, "restored");
    CHECK(found.confusion == expected.confusion);
    check_close(found.sums.scalar[Component::peak_latency], expected.sums.scalar[Component::peak_latency],
                "sums of the latency");
    check_close(found.sums.scalar[Component::peak_amplitude], expected.sums.scalar[Component::peak_amplitude],
                "sums of the amplitude");
    check_close(found.sums.scalar[Component::threshold], expected.sums.scalar[Component::threshold],
                "sums of the threshold");
    CHECK(found.sums.binary[Component::peak_exist].true_positive ==
          expected.sums.binary[Component::peak_exist].true_positive);
    CHECK(found.sums.binary[Component::peak_exist].true_negative ==
          expected.sums.binary[Component::peak_exist].true_negative);
    CHECK(found.sums.signal_count == expected.sums.signal_count);
    check_close(std::vector{found.sums.signal_squared_error}, std::vector{expected.sums.signal_squared_error},
                "sum of the signal");
    for (std::size_t c = 0; c < kComponents; ++c) {
        CAPTURE(c);
        check_close(std::vector{found.losses.numerator[c]}, std::vector{expected.losses.numerator[c]},
                    "loss");
        check_close(std::vector{found.losses.denominator[c]}, std::vector{expected.losses.denominator[c]},
                    "denominator");
    }
}

void check_close(std::span<const StepRecord> found, std::span<const StepRecord> expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].step == expected[i].step);
        CHECK(found[i].learning_rate == expected[i].learning_rate);
        CHECK(found[i].grad_norm == doctest::Approx(expected[i].grad_norm).epsilon(kTolerance));
        CHECK(found[i].loss_total == doctest::Approx(expected[i].loss_total).epsilon(kTolerance));
        for (std::size_t c = 0; c < kComponents; ++c)
            CHECK(found[i].loss[c] == doctest::Approx(expected[i].loss[c]).epsilon(kTolerance));
    }
}

}  // namespace

TEST_CASE("learner: inputs, outputs, losses and every gradient of a step are those of the CPU") {
    LearnerSettings settings = tiny_settings();
    settings.batch_size = 3;
    const auto expected = on_cpu(settings), found = on_cuda(settings);
    for (Learner* learner : {expected.get(), found.get()})
        learner->begin_epoch(2, recordings().order(), kAllWeights);
    const auto theirs = expected->trace_step(5, 1, 3), ours = found->trace_step(5, 1, 3);
    REQUIRE(ours.size() == theirs.size());
    std::size_t gradients = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        CHECK(ours[i].name == theirs[i].name);
        CHECK(ours[i].shape == theirs[i].shape);
        check_close(ours[i].values, theirs[i].values, ours[i].name);
        gradients += ours[i].name.starts_with("gradients/");
    }
    CHECK(gradients == found->network().parameters().specs().size());
    CHECK(found->tensors_without_gradient(recordings().order(), kAllWeights).empty());
    CHECK(same_bits(found->state(), on_cuda(settings)->state()));
}

TEST_CASE("learner: three steps and an evaluation are those of the CPU") {
    const LearnerSettings settings = tiny_settings();
    const auto expected = on_cpu(settings), found = on_cuda(settings);
    train(*expected, 0, 3);
    train(*found, 0, 3);
    check_close(found->state(), expected->state());
    check_close(found->steps(), expected->steps());
    check_close(found->evaluate(recordings().view(), true), expected->evaluate(recordings().view(), true));
}

TEST_CASE("learner: the same bits under every schedule") {
    // Each op alone was run under all of them.
    std::vector<std::uint64_t> seeds = schedules();
    seeds.resize(std::min<std::size_t>(seeds.size(), 4));
    LearnerState first;
    std::vector<float> logits;
    for (const std::uint64_t seed : seeds) {
        CAPTURE(seed);
        use_schedule(seed);
        const auto learner = on_cuda(tiny_settings());
        train(*learner, 0, 1);
        const Evaluation evaluation = learner->evaluate(recordings().view());
        if (first.value.empty()) {
            first = learner->state();
            logits = evaluation.answer[Component::classification];
        }
        CHECK(same_bits(learner->state(), first));
        CHECK(evaluation.answer[Component::classification] == logits);
    }
}

TEST_CASE("learner: a step makes no allocation and no copy to or from the device") {
    const auto learner = on_cuda(tiny_settings());
    learner->begin_epoch(0, recordings().order(), kAllWeights);
    const std::int64_t before = memory_calls();
    learner->train_step(0, 0, 4, 1e-3);
    learner->train_step(1, 4, 4, 1e-3);
    CHECK(memory_calls() == before);
    CHECK(learner->steps().size() == 2);
}

TEST_CASE("learner: steps of as many recordings are launched alike, so that a captured one serves all") {
    if (!lists_launches()) return;
    const auto learner = on_cuda(tiny_settings());
    std::vector<std::vector<std::string>> steps;
    PerComponent<double> weights = kAllWeights;
    for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
        learner->begin_epoch(epoch, recordings().order(), weights);
        for (const Index step : {0, 1})
            steps.push_back(launches_of([&] {
                learner->train_step(2 * epoch + step, 4 * step, 4, 1e-3 * static_cast<double>(step));
            }));
        weights[Component::threshold] *= 2;
        learner->evaluate(recordings().view());
    }
    REQUIRE(steps[0].size() > 100);
    for (std::size_t step = 1; step < steps.size(); ++step) {
        REQUIRE(steps[step].size() == steps[0].size());
        CHECK(steps[step][0].find("write_step_state_kernel") != std::string::npos);
        CHECK(steps[step][0] != steps[0][0]);
        for (std::size_t i = 1; i < steps[0].size(); ++i) CHECK(steps[step][i] == steps[0][i]);
    }
}

TEST_CASE("learner: recordings without a clean signal are measured on a degraded copy, as on the CPU") {
    DeviceRecordings noisy = recordings().view();
    noisy.clean = nullptr;
    const LearnerSettings settings = tiny_settings();
    check_close(on_cuda(settings)->evaluate(noisy), on_cpu(settings)->evaluate(noisy));
}

TEST_CASE("learner: what one backend saved goes on in the other") {
    const LearnerSettings settings = tiny_settings();
    const auto whole = on_cpu(settings), begun_here = on_cpu(settings), begun_there = on_cuda(settings);
    train(*whole, 0, 4);
    train(*begun_here, 0, 2);
    train(*begun_there, 0, 2);
    const auto ended_there = on_cuda(settings), ended_here = on_cpu(settings);
    ended_there->restore(begun_here->state());
    CHECK(same_bits(ended_there->state(), begun_here->state()));
    ended_here->restore(begun_there->state());
    for (Learner* learner : {ended_there.get(), ended_here.get()}) {
        train(*learner, 2, 4);
        check_close(learner->state(), whole->state());
    }
}

TEST_CASE("learner: a recording that is not finite is latched on the device, and nothing more is learnt") {
    DeviceRecordings bad = recordings().view();
    std::vector<float> signal(bad.signal, bad.signal + kRows * kLength);
    signal[static_cast<std::size_t>(recordings().order()[5] * kLength + 4)] =
        std::numeric_limits<float>::quiet_NaN();
    bad.signal = signal.data();
    const LearnerSettings settings = tiny_settings();
    const auto expected = on_cpu(settings, bad), found = on_cuda(settings, bad);
    train(*found, 0, 1);
    CHECK(found->status().bad_step == -1);
    const LearnerState before = found->state();
    train(*found, 1, 4);
    CHECK(same_bits(found->state(), before));
    train(*expected, 0, 4);
    CHECK(found->status().bad_step == 1);
    CHECK(found->status().bad_step == expected->status().bad_step);
    CHECK(found->status().bad_component == expected->status().bad_component);
    CHECK(std::isnan(found->steps()[1].loss_total));
}

TEST_CASE("learner: a profile holds the same ops and calls as on the CPU") {
    const LearnerSettings settings = tiny_settings();
    Profile profiles[2];
    const auto expected = on_cpu(settings), found = on_cuda(settings);
    expected->set_profile(&profiles[0]);
    found->set_profile(&profiles[1]);
    for (Learner* learner : {expected.get(), found.get()}) {
        train(*learner, 0, 1);
        learner->evaluate(recordings().view());
    }
    REQUIRE(profiles[1].ops().size() == profiles[0].ops().size());
    for (std::size_t i = 0; i < profiles[0].ops().size(); ++i) {
        const Profile::Op &theirs = profiles[0].ops()[i], &ours = profiles[1].ops()[i];
        CHECK(ours.name == theirs.name);
        for (std::size_t phase = 0; phase < kPhases; ++phase) {
            CHECK(ours.phases[phase].calls == theirs.phases[phase].calls);
            CHECK((ours.phases[phase].seconds > 0) == (ours.phases[phase].calls > 0));
        }
    }
}

TEST_CASE("learner: a batch too large for the device names what is needed, what is free and what fits") {
    LearnerSettings settings = tiny_settings();
    settings.batch_size = Index{1} << 40;
    CHECK_THROWS_WITH_AS(on_cuda(settings), doctest::Contains("the largest batch that fits has "),
                         cuda::Error);

    const Index largest = largest_batch(settings, 1 << 20);
    REQUIRE(largest > 0);
    settings.batch_size = largest;
    CHECK(learner_bytes(settings) <= 1 << 20);
    settings.batch_size = largest + 1;
    CHECK(learner_bytes(settings) > 1 << 20);
    CHECK(largest_batch(settings, 100) == 0);
}
