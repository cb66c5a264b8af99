// The multi-task loss and the optimiser against PyTorch's values (tests/oracle/losses.py, optimizer.py).
#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/loss.hpp"
#include "kernels/optimizer.hpp"
#include "tests/golden_file.hpp"
#include "tests/kernels/support.hpp"

namespace abr {
namespace {

using test::check_golden;
using test::GoldenFile;
using test::GuardedBuffer;
using test::GuardedSequence;

// Relative to the largest value of an array. Inputs are exact in both precisions; each number is the outcome
// of some twenty roundings of a float (6e-8), and the scripts hold PyTorch's own float32 to 1e-6.
template <class T>
constexpr double kTolerance = std::is_same_v<T, float> ? 2e-6 : 1e-12;

DistanceLoss distance(const std::string& name, double delta) {
    const auto type = name == "mse" ? Distance::mse : name == "l1" ? Distance::l1 : Distance::huber;
    return {type, static_cast<float>(delta)};
}

LossSettings read_settings(const GoldenFile& file, const std::string& path, Index classes) {
    const auto distances = file.texts(path + "distance");
    const auto deltas = file.values(path + "delta");
    LossSettings settings;
    settings.distance[Component::signal] = distance(distances.at(0), deltas.at(0));
    settings.distance[Component::peak_latency] = distance(distances.at(1), deltas.at(1));
    settings.distance[Component::peak_amplitude] = distance(distances.at(2), deltas.at(2));
    settings.distance[Component::threshold] = distance(distances.at(3), deltas.at(3));
    settings.positive_weight = file.value<float>(path + "positive_weight");
    settings.label_smoothing = file.value<float>(path + "label_smoothing");
    settings.focal_gamma = file.value<float>(path + "focal_gamma");
    settings.classes = classes;
    return settings;
}

template <class T>
GuardedBuffer<T> buffer(const std::vector<T>& values) {
    GuardedBuffer<T> result(static_cast<Index>(values.size()));
    std::copy(values.begin(), values.end(), result.data());
    return result;
}

GuardedBuffer<std::int32_t> classes(const GoldenFile& file, const std::string& array) {
    return buffer(file.values<std::int32_t>(array));
}

// The file's recordings: predictions, targets under one mask, and where the gradients go.
template <class T>
struct Batch {
    Index size, length, classes;
    GuardedSequence<T> signal, d_signal;
    GuardedBuffer<T> logits, exist, latency, amplitude, threshold;
    GuardedBuffer<T> d_logits, d_exist, d_latency, d_amplitude, d_threshold;
    GuardedBuffer<T> clean, true_latency, true_amplitude, true_threshold;
    GuardedBuffer<std::int32_t> label, exists;

    Batch(const GoldenFile& file, const std::string& targets)
        : size(file.shape("heads/signal").at(0)),
          length(file.shape("heads/signal").at(1)),
          classes(file.shape("heads/classification").at(1)),
          signal(size, length + 1, 1, 0),
          d_signal(size, length + 1, 1, 0),
          logits(buffer(file.values<T>("heads/classification"))),
          exist(buffer(file.values<T>("heads/peak_exist"))),
          latency(buffer(file.values<T>("heads/peak_latency"))),
          amplitude(buffer(file.values<T>("heads/peak_amplitude"))),
          threshold(buffer(file.values<T>("heads/threshold"))),
          d_logits(size * classes),
          d_exist(size),
          d_latency(size),
          d_amplitude(size),
          d_threshold(size),
          clean(buffer(file.values<T>(targets + "signal"))),
          true_latency(buffer(file.values<T>(targets + "peak_latency"))),
          true_amplitude(buffer(file.values<T>(targets + "peak_amplitude"))),
          true_threshold(buffer(file.values<T>(targets + "threshold"))),
          label(abr::classes(file, targets + "classification")),
          exists(abr::classes(file, targets + "peak_exist")) {
        signal.buffer().fill(T{9});  // the sample beyond the recording's end counts for nothing
        const auto restored = file.values<T>("heads/signal");
        for (Index b = 0; b < size; ++b)
            std::copy_n(restored.data() + b * length, length, signal.view().row(b, 0));
    }
    Targets<T> targets() {
        return {.signal = {clean.data(), size, length},
                .label = per_component<std::int32_t*>(
                    {{Component::classification, label.data()}, {Component::peak_exist, exists.data()}}),
                .scalar = per_component<T*>({{Component::peak_latency, true_latency.data()},
                                             {Component::peak_amplitude, true_amplitude.data()},
                                             {Component::threshold, true_threshold.data()}})};
    }
    Heads<T> heads() { return heads_of(signal, logits, exist, latency, amplitude, threshold); }
    Heads<T> gradients() {
        return heads_of(d_signal, d_logits, d_exist, d_latency, d_amplitude, d_threshold);
    }

  private:
    Heads<T> heads_of(GuardedSequence<T>& restored, GuardedBuffer<T>& class_logits,
                      GuardedBuffer<T>& exist_logit, GuardedBuffer<T>& ms, GuardedBuffer<T>& uv,
                      GuardedBuffer<T>& db) {
        return {.signal = restored.view(),
                .answer = per_component<Matrix<T>>(
                    {{Component::classification, {class_logits.data(), size, classes}},
                     {Component::peak_exist, {exist_logit.data(), size, 1}},
                     {Component::peak_latency, {ms.data(), size, 1}},
                     {Component::peak_amplitude, {uv.data(), size, 1}},
                     {Component::threshold, {db.data(), size, 1}}})};
    }
};

}  // namespace

TEST_CASE_TEMPLATE("golden: every loss component and its gradient, for each distance, mask and weighting", T,
                   float, double) {
    const GoldenFile file("losses.npz");
    PerComponent<double> weights;
    // Of the components that the file was made with: later ones stand behind them.
    const auto component_weights = file.values("component_weights");
    REQUIRE(component_weights.size() <= kComponents);
    std::copy(component_weights.begin(), component_weights.end(), weights.values.begin());
    cpu::Stream stream(1);
    for (const std::string& mask : file.parts("golden")) {
        for (const std::string& name : file.parts("golden/" + mask)) {
            const std::string path = "golden/" + mask + "/" + name + "/";
            Batch<T> batch(file, "targets/" + mask + "/");
            const auto settings = read_settings(file, "settings/" + name + "/", batch.classes);
            const auto class_weights = buffer(file.values<T>("settings/" + name + "/class_weights"));
            const Heads<T> gradients = batch.gradients();
            GuardedBuffer<double> workspace(loss_workspace(batch.size));
            LossSums sums;
            cpu::loss_denominators<T>(stream, class_weights.data(), batch.targets(), &sums);
            cpu::multi_task_loss<T>(stream, settings,
                                    {batch.heads(), batch.targets(), class_weights.data(), &weights, &sums,
                                     &gradients, workspace.data()});

            const auto losses = file.values(path + "loss");
            REQUIRE(losses.size() == component_weights.size());
            for (std::size_t c = 0; c < losses.size(); ++c) {
                const double denominator = sums.denominator[c];
                const double loss = denominator > 0 ? sums.numerator[c] / denominator : sums.numerator[c];
                check_golden(std::vector{loss}, {losses[c]}, kTolerance<T>,
                             path + std::string(kComponentNames[c]));
            }
            std::vector<T> d_signal;
            for (Index b = 0; b < batch.size; ++b) {
                const T* row = batch.d_signal.view().row(b, 0);
                d_signal.insert(d_signal.end(), row, row + batch.length);
            }
            const auto check = [&](const std::vector<T>& computed, const std::string& head) {
                check_golden(computed, file.values(path + "d_" + head), kTolerance<T>, path + "d_" + head);
            };
            check(d_signal, "signal");
            check(values(batch.d_logits), "classification");
            check(values(batch.d_exist), "peak_exist");
            check(values(batch.d_latency), "peak_latency");
            check(values(batch.d_amplitude), "peak_amplitude");
            check(values(batch.d_threshold), "threshold");
        }
    }
}

TEST_CASE_TEMPLATE("golden: three steps of clipping, AdamW with and without decay, and EMA", T, float,
                   double) {
    const GoldenFile file("optimizer.npz");
    AdamW adamw;
    adamw.beta1 = file.value("beta1");
    adamw.beta2 = file.value("beta2");
    adamw.epsilon = file.value("epsilon");
    adamw.weight_decay = file.value("weight_decay");
    adamw.gradient_clip = file.value("clip");
    std::vector<ParameterSegment> segments;
    const auto ends = file.integers("segments/end"), decay = file.integers("segments/decay");
    const auto multipliers = file.values<float>("segments/rate_multiplier");
    for (std::size_t i = 0; i < ends.size(); ++i)
        segments.push_back({i == 0 ? 0 : ends[i - 1], ends[i], multipliers.at(i), decay.at(i) != 0});

    auto value = buffer(file.values<T>("initial"));
    auto ema = value;
    const Index size = value.size();
    GuardedBuffer<T> gradient(size), first_moment(size), second_moment(size);
    first_moment.fill(T{0});
    second_moment.fill(T{0});
    GuardedBuffer<double> workspace(optimizer_workspace(size));
    const auto rates = file.values("learning_rates"), norms = file.values("norm");
    const auto gradients = file.values<T>("gradients");
    const auto row_of = [&](const std::string& array, std::size_t step) {
        const auto all = file.values(array);
        const auto begin = all.begin() + static_cast<Index>(step) * size;
        return std::vector<double>(begin, begin + size);
    };
    StepState state{.ema_decay = file.value("ema_decay"), .weights = {{1, 1, 1, 1, 1, 1}}};
    cpu::Stream stream(1);
    for (std::size_t step = 0; step < rates.size(); ++step) {
        state.step = static_cast<std::int64_t>(step);
        state.learning_rate = rates[step];
        std::copy_n(gradients.begin() + static_cast<Index>(step) * size, size, gradient.data());
        LossSums sums;
        StepRecord row;
        StepStatus status;
        cpu::optimizer_step<T>(
            stream, adamw,
            {size, value.data(), gradient.data(), first_moment.data(), second_moment.data(), ema.data(),
             segments.data(), static_cast<Index>(segments.size()), &state, &sums, &row, &status,
             workspace.data()});
        const std::string when = "step " + std::to_string(step) + " ";
        check_golden(std::vector{row.grad_norm}, {norms.at(step)}, kTolerance<double>, when + "norm");
        check_golden(values(value), row_of("value", step), kTolerance<T>, when + "value");
        check_golden(values(first_moment), row_of("first_moment", step), kTolerance<T>, when + "m");
        check_golden(values(second_moment), row_of("second_moment", step), kTolerance<T>, when + "v");
        check_golden(values(ema), row_of("ema", step), kTolerance<T>, when + "ema");
    }
}

}  // namespace abr
