// What the learner hands to the ops: a step and an evaluation written out once more, op by op, have its bits.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/cpu/stream.hpp"
#include "model/learner_memory.hpp"
#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

constexpr PerComponent<double> kWeights{{0.7, 0.5, 1.1, 1.3, 2.4, 0.9}};

// Settings with something in every place.
LearnerSettings full_settings(Index batch_size, Index accumulation) {
    LearnerSettings settings = small_settings(batch_size, accumulation);
    settings.loss = {
        .distance = per_component<DistanceLoss>({{Component::signal, {Distance::huber, 0.4f}},
                                                 {Component::peak_latency, {Distance::l1, 1}},
                                                 {Component::peak_amplitude, {Distance::mse, 1}},
                                                 {Component::threshold, {Distance::huber, 0.6f}}}),
        .positive_weight = 1.5f,
        .label_smoothing = 0.1f,
        .focal_gamma = 1.5f,
        .classes = 5};
    settings.batch.target[Component::peak_amplitude] = {0.2f, 3};
    settings.batch.signal_mean = {0.01f, 20};
    settings.batch.signal_log_sd = {-2, 1.5f};
    settings.batch.static_sd = {0.1f, 0.2f, 0.3f, 0.4f};
    settings.batch.augmentation.drift_sd = 0.1f;
    settings.batch.augmentation.static_noise_sd = 0.5f;
    settings.batch.augmentation.static_dropout = 0.3f;
    settings.scaling = per_component<Scaling>({{Component::peak_latency, {1.7f, 0.9f}},
                                               {Component::peak_amplitude, {0.2f, 0.33f}},
                                               {Component::threshold, {20, 14}}});
    settings.ema_decay = 0.9;
    return settings;
}

// The learner's ops on memory of their own, for one batch of all rows.
class WrittenOut {
  public:
    WrittenOut(const LearnerSettings& settings, const DeviceRecordings& recordings, const StepState& state)
        : settings_(settings),
          recordings_(recordings),
          network_(settings.shape, settings.batch_size),
          memory_(settings, network_, 0) {
        memory_.class_weights.copy_from(settings.class_weights);
        memory_.state.copy_from(std::span(&state, 1));
    }

    // order: of the whole epoch; the batch begins at state.first.
    void gather(BatchMode mode, const std::vector<std::int32_t>& order, Index rows) {
        order_ = order;
        batch_ = slice(memory_.batch.view(), 0, rows);
        cpu::gather_batch<float>(stream_, recordings_, settings_.batch, mode, order_.data(),
                                 memory_.state.data(), 0, batch_);
    }
    void count() {
        cpu::loss_denominators<float>(stream_, memory_.class_weights.data(), batch_.targets,
                                      memory_.sums.data());
    }
    Heads<const float> forward(const std::vector<float>& parameters, double dropout) {
        memory_.value.copy_from(parameters);
        const auto p = pass(dropout);
        network_.forward(p);
        return network_.outputs(p);
    }
    void loss(const Heads<const float>& heads, const Heads<float>* gradients) {
        cpu::multi_task_loss<float>(stream_, settings_.loss,
                                    {.heads = heads,
                                     .targets = batch_.targets,
                                     .class_weights = memory_.class_weights.data(),
                                     .weights = &memory_.state.data()->weights,
                                     .sums = memory_.sums.data(),
                                     .gradients = gradients,
                                     .workspace = memory_.sums_workspace.data()});
    }
    // Loss and every parameter's gradient.
    std::vector<float> backward(const Heads<const float>& heads, double dropout) {
        const auto p = pass(dropout);
        const Heads<float> gradients = network_.output_gradients(p);
        loss(heads, &gradients);
        network_.backward(p);
        return {memory_.gradient.data(), memory_.gradient.data() + memory_.gradient.size()};
    }
    void measure(const Heads<const float>& heads, const Predictions& predictions, EvaluationSums& sums,
                 std::vector<std::int64_t>& confusion) {
        cpu::accumulate_evaluation<float>(stream_, {.recordings = recordings_,
                                                    .order = order_.data(),
                                                    .batch = batch_,
                                                    .heads = heads,
                                                    .scaling = settings_.scaling,
                                                    .classes = settings_.shape.classes,
                                                    .predictions = predictions,
                                                    .confusion = confusion.data(),
                                                    .sums = &sums,
                                                    .workspace = memory_.sums_workspace.data()});
    }
    const LossSums& sums() const { return *memory_.sums.data(); }
    const ParameterLayout& parameters() const { return network_.parameters(); }

  private:
    Pass<cpu::Stream, Fp32> pass(double dropout) {
        return {.stream = stream_,
                .plan = network_.plan(),
                .claims = memory_.claims,
                .arena = memory_.arena.data(),
                .statistics = memory_.statistics.data(),
                .workspace = memory_.workspace.data(),
                .parameters = memory_.value.data(),
                .gradients = memory_.gradient.data(),
                .signal = batch_.input.data,
                .statics = batch_.statics.data,
                .batch = batch_.input.batch,
                .dropout = static_cast<float>(dropout),
                .state = memory_.state.data(),
                .place = 0};
    }

    LearnerSettings settings_;
    DeviceRecordings recordings_;
    Network network_;
    LearnerMemory<cpu::Buffer> memory_;
    cpu::Stream stream_{1};
    std::vector<std::int32_t> order_;
    Batch<float> batch_;
};

// A learner in the middle of a run: its average is no longer its weights.
std::unique_ptr<Learner> begun(const LearnerSettings& settings, const DeviceRecordings& recordings,
                               const std::vector<std::int32_t>& order) {
    auto learner = make_cpu_learner(settings, recordings, 1);
    LearnerState state = learner->state();
    for (std::size_t i = 0; i < state.value.size(); ++i) {
        state.value[i] += static_cast<float>(0.1 * uniform(static_cast<std::uint32_t>(i), 50));
        state.ema[i] += static_cast<float>(0.1 * uniform(static_cast<std::uint32_t>(i), 51));
    }
    learner->restore(state);
    learner->begin_epoch(2, order, kAllWeights);
    learner->begin_epoch(3, order, kWeights);
    return learner;
}

const HostTensor& tensor(const std::vector<HostTensor>& tensors, const std::string& name) {
    for (const HostTensor& candidate : tensors)
        if (candidate.name == name) return candidate;
    throw std::runtime_error("no tensor " + name);
}

// Bit by bit, NaNs included.
bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("learner: a step gathers, counts, predicts, measures and differentiates as its settings say") {
    const SmallRecordings data(24, 37);
    const std::vector<std::int32_t> order = data.order();
    const LearnerSettings settings = full_settings(6, 1);
    const auto learner = begun(settings, data.view(), order);
    const std::vector<HostTensor> trace = learner->trace_step(15, 12, 6);

    WrittenOut ops(settings, data.view(),
                   {.seed = settings.seed, .step = 15, .epoch = 3, .first = 12, .weights = kWeights});
    ops.gather(BatchMode::training, order, 6);
    ops.count();
    const Heads<const float> heads = ops.forward(learner->state().value, settings.shape.dropout);
    for (const Component c : kAllComponents) {
        if (c == Component::signal || !is_task(c)) continue;
        const std::string name(kComponentNames[static_cast<std::size_t>(c)]);
        CAPTURE(name);
        const float* answer = heads.answer[c].data;
        CHECK(same(tensor(trace, "outputs/" + name).values, {answer, answer + heads.answer[c].size()}));
    }
    const std::vector<float> gradient = ops.backward(heads, settings.shape.dropout);
    const std::vector<float>& losses = tensor(trace, "losses").values;
    for (std::size_t c = 0; c < kComponents; ++c) {
        CAPTURE(kComponentNames[c]);
        CHECK((losses[c] > 0) == settings.shape.built[static_cast<Component>(c)]);
        CHECK(losses[c] == static_cast<float>(ops.sums().numerator[c] / ops.sums().denominator[c]));
    }
    for (const ParameterSpec& spec : ops.parameters().specs()) {
        CAPTURE(spec.name);
        const float* first = gradient.data() + spec.offset;
        CHECK(same(tensor(trace, "gradients/" + spec.name).values, {first, first + spec.size}));
    }
}

TEST_CASE(
    "learner: an evaluation measures the average of the weights, without dropout, on undisturbed "
    "recordings") {
    const SmallRecordings data(20, 37);
    std::vector<std::int32_t> all(20);
    std::iota(all.begin(), all.end(), 0);
    const LearnerSettings settings = full_settings(8, 1), whole = full_settings(20, 1);
    for (const bool with_clean : {true, false}) {
        CAPTURE(with_clean);
        DeviceRecordings recordings = data.view();
        if (!with_clean) recordings.clean = nullptr;
        const auto learner = begun(settings, recordings, data.order());
        const Evaluation evaluation = learner->evaluate(recordings, true);

        WrittenOut ops(whole, recordings, {.seed = settings.seed});
        const std::vector<float> parameters = learner->state().ema;
        Evaluation expected;
        Predictions predictions;
        for (const Component c : kAllComponents) {
            expected.answer[c].resize(static_cast<std::size_t>(20 * settings.shape.outputs(c)));
            if (!expected.answer[c].empty()) predictions.answer[c] = expected.answer[c].data();
        }
        expected.signal_correlation.resize(20);
        expected.signal_snr_gain_db.resize(20);
        expected.restored_uv.resize(20 * 37);
        predictions.signal_correlation = expected.signal_correlation.data();
        predictions.signal_snr_gain_db = expected.signal_snr_gain_db.data();
        predictions.restored_uv = expected.restored_uv.data();
        expected.confusion.resize(25);
        ops.gather(BatchMode::validation, all, 20);
        ops.count();
        Heads<const float> heads = ops.forward(parameters, 0);
        if (!with_clean) heads.signal = {};
        ops.loss(heads, nullptr);
        ops.measure(heads, predictions, expected.sums, expected.confusion);
        if (!with_clean) {
            // The signal alone, on copies whose noise depends on seed and recording.
            ops.gather(BatchMode::validation_degraded, all, 20);
            const Heads<const float> signal = {ops.forward(parameters, 0).signal, {}};
            ops.loss(signal, nullptr);
            ops.measure(signal, predictions, expected.sums, expected.confusion);
        }
        for (const Component c : kAllComponents) {
            CAPTURE(kComponentNames[static_cast<std::size_t>(c)]);
            CHECK(same(evaluation.answer[c], expected.answer[c]));
            CHECK(evaluation.sums.scalar[c].absolute_error == expected.sums.scalar[c].absolute_error);
            CHECK(evaluation.sums.scalar[c].squared_error == expected.sums.scalar[c].squared_error);
            CHECK(evaluation.sums.binary[c].true_positive == expected.sums.binary[c].true_positive);
        }
        CHECK(same(evaluation.signal_correlation, expected.signal_correlation));
        CHECK(same(evaluation.signal_snr_gain_db, expected.signal_snr_gain_db));
        CHECK(same(evaluation.restored_uv, expected.restored_uv));
        // The latency is the mean place of the map.
        REQUIRE(evaluation.wave_v_map.size() == 20 * 37);
        for (std::size_t r = 0; r < 20; ++r) {
            double sum = 0, mean = 0;
            for (std::size_t t = 0; t < 37; ++t) {
                sum += double{evaluation.wave_v_map[r * 37 + t]};
                mean += double{evaluation.wave_v_map[r * 37 + t]} * static_cast<double>(t);
            }
            CHECK(sum == doctest::Approx(1).epsilon(1e-5));
            const double place = settings.shape.first_place + settings.shape.place_step * mean;
            CHECK(evaluation.answer[Component::peak_latency][r] ==
                  doctest::Approx(1.7 + 0.9 * place).epsilon(1e-5));
        }
        CHECK(evaluation.confusion == expected.confusion);
        CHECK(evaluation.losses.numerator == ops.sums().numerator);
        CHECK(evaluation.losses.denominator == ops.sums().denominator);
        CHECK(evaluation.sums.signal_count == 20 * 37);
        CHECK(evaluation.sums.signal_squared_error == expected.sums.signal_squared_error);
        // Each recording counts once, also in a second evaluation.
        CHECK(learner->evaluate(recordings).losses.denominator[Component::signal] == 20 * 37);
    }
}

TEST_CASE("learner: what it saves is what it goes on with") {
    const SmallRecordings data(24, 37);
    const LearnerSettings settings = full_settings(6, 2);
    const auto learner = begun(settings, data.view(), data.order());
    const LearnerState first = learner->state();
    CHECK(first.value != first.ema);
    learner->train_step(10, 0, 12, 1e-3);
    const LearnerState saved = learner->state();
    const auto other = make_cpu_learner(settings, data.view(), 1);
    other->restore(saved);
    other->begin_epoch(3, data.order(), kWeights);
    const LearnerState restored = other->state();
    CHECK(restored.value == saved.value);
    CHECK(restored.first_moment == saved.first_moment);
    CHECK(restored.second_moment == saved.second_moment);
    CHECK(restored.ema == saved.ema);
    learner->train_step(11, 12, 12, 1e-3);
    other->train_step(11, 12, 12, 1e-3);
    CHECK(other->state().value == learner->state().value);
    CHECK(other->state().ema == learner->state().ema);
}

TEST_CASE("learner: the average begins with the weights that the network begins with") {
    const SmallRecordings data(6, 37);
    const LearnerState state = make_cpu_learner(full_settings(6, 1), data.view(), 1)->state();
    CHECK(state.ema == state.value);
    CHECK(state.value != std::vector<float>(state.value.size()));
}

TEST_CASE("pitfall 14: a step after the gradient check is the step without it") {
    const SmallRecordings data(24, 37);
    const auto order = data.order();
    const LearnerSettings settings = full_settings(6, 2);
    const auto after_check = [&](bool check) {
        const auto learner = make_cpu_learner(settings, data.view(), 1);
        if (check) REQUIRE(learner->tensors_without_gradient(order, kAllWeights).empty());
        learner->begin_epoch(0, order, kWeights);
        learner->train_step(0, 0, 12, 1e-3);
        return std::pair(learner->state().value, learner->steps()[0]);
    };
    const auto [with, first] = after_check(true);
    const auto [without, second] = after_check(false);
    CHECK(with == without);
    CHECK(first.grad_norm == second.grad_norm);
    CHECK(first.loss == second.loss);
    CHECK(first.loss_total == second.loss_total);
}
