#include "metrics/split_metrics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

namespace abr {
namespace {

const std::vector<std::string> kNames = {"NORMAL", "SNHL"};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Four recordings of three patients with every target.
struct Fixture {
    std::vector<float> logits = {2, 0, 0, 1, 3, 0, 0, 4};
    std::vector<std::int32_t> label = {0, 1, 1, 1};
    std::vector<std::int32_t> patient = {0, 1, 2, 2};
    std::vector<std::int8_t> ear = {0, -1, 0, 1};
    std::vector<float> latency = {6, kNaN, 7, 8}, latency_said = {6.125f, 1, 7.5f, 7};
    std::vector<float> amplitude = {0.5f, kNaN, 0.5f, 0.5f}, amplitude_said = {0.5f, 0, 0.25f, 0};
    std::vector<float> threshold = {20, 30, 40, 50}, threshold_said = {25, 22, 28, 70};
    std::vector<float> exist_logit = {1, -1, 0.5f, 2};
    std::vector<std::int32_t> exist = {1, 0, 0, 1};
    std::vector<float> correlation = {0.9f, 0.5f, kNaN, 0.1f};
    std::vector<float> gain = {3, 1, kNaN, 8};
    SplitEvaluation split{
        .dropped = {},
        .final_weights = {{1, 0, 2, 1, 3, 1}},
        .losses = {{{4, 8, 6, 2, 1, 10}}, {{4, 4, 2, 2, 4, 5}}},
        .sums = {.scalar =
                     per_component<RegressionSums>({{Component::peak_latency, {3, 0.6, 0.2, 6, 2}},
                                                    {Component::peak_amplitude, {3, 0.3, 0.05, 0.4, 0.12}},
                                                    {Component::threshold, {4, 40, 500, 30, 1400}}}),
                 .binary = per_component<BinarySums>({{Component::peak_exist, {2, 1, 0, 1}}}),
                 .signal_count = 800,
                 .signal_squared_error = 8},
        .confusion = ConfusionMatrix(2, std::vector<std::int64_t>{1, 0, 1, 2}),
        .majority_class = 1,
        .answer = per_component<std::span<const float>>({{Component::classification, logits},
                                                         {Component::peak_exist, exist_logit},
                                                         {Component::peak_latency, latency_said},
                                                         {Component::peak_amplitude, amplitude_said},
                                                         {Component::threshold, threshold_said}}),
        .label = per_component<std::span<const std::int32_t>>(
            {{Component::classification, label}, {Component::peak_exist, exist}}),
        .target = per_component<std::span<const float>>({{Component::peak_latency, latency},
                                                         {Component::peak_amplitude, amplitude},
                                                         {Component::threshold, threshold}}),
        .temperature = per_component<double>({{Component::classification, 2}, {Component::peak_exist, 0.5}}),
        .patient = patient,
        .ear = ear,
        .signal_correlation = correlation,
        .signal_snr_gain_db = gain};
};

std::map<std::string, Metric> by_name(const SplitMetrics& metrics) {
    std::map<std::string, Metric> result;
    for_each_metric(metrics, kNames,
                    [&](const std::string& name, const Metric& metric) { result[name] = metric; });
    return result;
}

TEST_CASE("pitfall 1: every metric of a split with all labels has its value under its own name") {
    const Fixture f;
    auto value = by_name(split_metrics(f.split));
    const auto check = [&](const char* name, double expected) {
        CAPTURE(name);
        REQUIRE(value.at(name).value.has_value());
        CHECK(*value.at(name).value == doctest::Approx(expected));
    };
    check("loss_signal", 1);
    check("loss_peak_exist", 2);
    check("loss_peak_latency", 3);
    check("loss_classification", 0.25);
    check("loss_total", 1 * 1 + 0 * 2 + 2 * 3 + 1 * 1 + 3 * 0.25 + 1 * 2);
    check("f1_NORMAL", 2.0 / 3);
    check("f1_SNHL", 0.8);
    check("f1_macro", (2.0 / 3 + 0.8) / 2);
    check("f1_weighted", (1 * 2.0 / 3 + 3 * 0.8) / 4);
    check("f1_micro", 0.75);
    check("accuracy", 0.75);
    check("balanced_accuracy", (1 + 2.0 / 3) / 2);
    check("f1_macro_majority", 6.0 / 7 / 2);  // always SNHL
    check("patient_f1_macro", 1);             // patient 2: one firm answer outweighs the other
    // The right ear of patient 2 is recognised, the left one is not, and that of patient 1 is not known.
    check("ear_f1_macro", (2.0 / 3 + 2.0 / 3) / 2);
    const auto certainty = [](double margin) { return 1 / (1 + std::exp(-margin)); };
    // The wrong answer of patient 2 is in one bin with the right one; calibrated, each has a bin of its own.
    check("classification_ece_uncalibrated",
          (1 - certainty(2) + 1 - certainty(1) + certainty(3) + certainty(4) - 1) / 4);
    check("classification_ece",
          (1 - certainty(1) + 1 - certainty(0.5) + certainty(1.5) + 1 - certainty(2)) / 4);
    check("peak_exist_f1", 0.8);
    check("peak_exist_auc", 1);
    check("peak_exist_sensitivity_at_specificity_0.975", 1);
    check("peak_exist_ece_uncalibrated",
          (1 - certainty(1) + certainty(-1) + certainty(0.5) + 1 - certainty(2)) / 4);
    check("peak_exist_ece", (1 - certainty(2) + certainty(-2) + certainty(1) + 1 - certainty(4)) / 4);
    check("peak_latency_mae_ms", 0.2);
    check("peak_latency_r2", 1 - 0.2 / 2);
    check("peak_latency_within_0.1_ms", 0);
    check("peak_latency_within_0.2_ms", 1.0 / 3);
    check("peak_latency_within_0.5_ms", 2.0 / 3);
    check("peak_amplitude_mae_uv", 0.1);
    check("peak_amplitude_r2", 1 - 0.05 / 0.12);
    check("signal_mse", 0.01);
    check("signal_correlation", 0.5);
    check("signal_correlation_median", 0.5);
    check("signal_snr_gain_db", 4);
    check("signal_snr_gain_db_median", 3);
    check("threshold_mae_db", 10);
    check("threshold_r2", 1 - 500.0 / 1400);
    check("threshold_within_5_db", 0.25);
    check("threshold_within_10_db", 0.5);
    check("threshold_within_15_db", 0.75);
    CHECK(value.size() == 1 + kComponents + 5 + 2 + 3 + 2 + 5 + 5 + 2 + 5 + 5);
}

TEST_CASE("pitfall 7: the metrics of a dropped component are absent and give why it was dropped") {
    Fixture f;
    for (std::size_t i = 0; i < kComponents; ++i)
        f.split.dropped[i] = "no column " + std::string(kComponentNames[i]);
    f.split.answer = {};  // nothing was computed
    f.split.signal_correlation = f.split.signal_snr_gain_db = {};
    for (const auto& [name, metric] : by_name(split_metrics(f.split))) {
        CAPTURE(name);
        CHECK_FALSE(metric.value.has_value());
        CHECK_FALSE(metric.reason.empty());
    }
    CHECK(by_name(split_metrics(f.split)).at("threshold_mae_db").reason == "no column threshold");
    CHECK(by_name(split_metrics(f.split)).at("f1_SNHL").reason == "no column classification");
}

TEST_CASE("pitfall 1: a split without any target leaves every metric with a reason and none with a 0") {
    Fixture f;
    f.split.losses = {};
    f.split.sums = {};
    f.split.confusion = ConfusionMatrix(2);
    f.label.assign(4, -1);
    f.exist.assign(4, -1);
    for (auto* target : {&f.latency, &f.amplitude, &f.threshold}) target->assign(4, kNaN);
    f.correlation.assign(4, kNaN);
    f.gain.assign(4, kNaN);
    for (const auto& [name, metric] : by_name(split_metrics(f.split))) {
        CAPTURE(name);
        CHECK_FALSE(metric.value.has_value());
        CHECK_FALSE(metric.reason.empty());
    }
}

TEST_CASE("a component of weight 0 may be infinite without touching the total") {
    Fixture f;
    f.split.losses.numerator[Component::peak_exist] = std::numeric_limits<double>::infinity();
    CHECK(*split_metrics(f.split).loss_total.value == doctest::Approx(10.75));
}

TEST_CASE(
    "ears: data that do not tell them apart have no metric of theirs, unlabelled ears one without a value") {
    Fixture f;
    f.split.ear = {};
    CHECK_FALSE(by_name(split_metrics(f.split)).contains("ear_f1_macro"));
    CHECK_FALSE(split_metrics(f.split).ear_f1_macro.is_set());
    f.ear.assign(4, -1);
    f.split.ear = f.ear;
    CHECK_FALSE(by_name(split_metrics(f.split)).at("ear_f1_macro").reason.empty());
    CHECK_FALSE(by_name(split_metrics(f.split)).at("ear_f1_macro").value.has_value());
}

TEST_CASE("split metrics refuse arrays of different lengths") {
    Fixture f;
    f.split.patient = std::span(f.patient).first(3);
    CHECK_THROWS_AS(split_metrics(f.split), std::invalid_argument);
    f.split.patient = f.patient;
    f.split.ear = std::span(f.ear).first(3);
    CHECK_THROWS_AS(split_metrics(f.split), std::invalid_argument);
}

}  // namespace
}  // namespace abr
