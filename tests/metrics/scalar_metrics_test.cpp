#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "metrics/ranking.hpp"
#include "metrics/regression.hpp"
#include "metrics/summary.hpp"
#include "tests/metrics/golden.hpp"

namespace abr {
namespace {

using test::golden;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// In two passes, as kernels/evaluation.hpp defines the sums.
RegressionSums sums_of(const std::vector<float>& target, const std::vector<float>& predicted) {
    RegressionSums sums;
    sums.count = static_cast<double>(target.size());
    for (const float t : target) sums.target_mean += t / sums.count;
    if (std::ranges::adjacent_find(target, std::not_equal_to()) == target.end())
        sums.target_mean = target.front();
    for (std::size_t i = 0; i < target.size(); ++i) {
        const double error = static_cast<double>(predicted[i]) - target[i];
        sums.absolute_error += std::abs(error);
        sums.squared_error += error * error;
        sums.target_squared_deviation += (target[i] - sums.target_mean) * (target[i] - sums.target_mean);
    }
    return sums;
}

TEST_CASE("pitfall 8: ROC AUC equals scikit-learn, ties included") {
    for (const auto& expected : golden().at("ranking")) {
        CAPTURE(expected.at("name").get<std::string>());
        const std::vector<float> scores = expected.at("scores");
        const std::vector<std::int32_t> labels = expected.at("labels");
        CHECK(*RocCurve(scores, labels).area().value ==
              doctest::Approx(expected.at("auc").get<double>()).epsilon(1e-14));
    }
}

TEST_CASE("ROC AUC by hand: of six pairs four are won and one is a tie") {
    const float scores[] = {0.1f, 0.4f, 0.35f, 0.8f, 0.4f, 5.0f};
    const std::int32_t labels[] = {0, 0, 1, 1, 1, -1};
    // Positives 0.35, 0.8, 0.4 against negatives 0.1, 0.4: 1 + 2 + 1.5 of 6; the unlabelled one does not
    // count.
    CHECK(*RocCurve(scores, labels).area().value == doctest::Approx(4.5 / 6));
}

TEST_CASE("metrics of the ROC curve are absent with a reason where one answer is missing") {
    const float scores[] = {1, 2};
    for (const auto& labels : {std::vector<std::int32_t>{1, 1}, {0, 0}, {0, -1}, {-1, -1}}) {
        const RocCurve curve(scores, labels);
        for (const Metric& metric : {curve.area(), curve.sensitivity_at(0.975)}) {
            CHECK_FALSE(metric.value.has_value());
            CHECK_FALSE(metric.reason.empty());
        }
    }
}

TEST_CASE("the ROC curve refuses a NaN score and unequal lengths") {
    const float scores[] = {1, kNaN};
    const std::int32_t labelled[] = {1, 0}, unlabelled[] = {1, -1}, one[] = {1};
    CHECK_THROWS_AS(RocCurve(scores, labelled), std::domain_error);
    CHECK_NOTHROW(RocCurve(scores, unlabelled));
    CHECK_THROWS_AS(RocCurve(scores, one), std::invalid_argument);
}

TEST_CASE(
    "sensitivity at a specificity of 0.975 equals scikit-learn's curve, ties and few negatives included") {
    for (const auto& expected : golden().at("clinical").at("sensitivity")) {
        CAPTURE(expected.at("name").get<std::string>());
        const std::vector<float> scores = expected.at("scores");
        const std::vector<std::int32_t> labels = expected.at("labels");
        CHECK(*RocCurve(scores, labels).sensitivity_at(0.975).value ==
              doctest::Approx(expected.at("sensitivity").get<double>()).epsilon(1e-14));
    }
}

TEST_CASE("sensitivity at a specificity by hand: what lies above the negatives that may not be raised") {
    const float scores[] = {1, 2, 3, 4, 2.5f, 3, 3.5f, 9};
    const std::int32_t labels[] = {0, 0, 0, 0, 1, 1, 1, -1};
    const RocCurve curve(scores, labels);
    CHECK(*curve.sensitivity_at(1).value == 0);  // the highest score is a negative
    // One false alarm in four is allowed: 3.5 is found, the 3 that ties with a second negative is not.
    CHECK(*curve.sensitivity_at(0.75).value == doctest::Approx(1.0 / 3));
    CHECK(*curve.sensitivity_at(0.5).value == 1);
}

TEST_CASE("the share within a tolerance equals numpy, the border included, missing targets left out") {
    const auto& expected = golden().at("clinical");
    std::vector<float> target = expected.at("target"), predicted = expected.at("predicted");
    target.push_back(kNaN);
    predicted.push_back(6);
    for (const auto& within : expected.at("within"))
        CHECK(*share_within(predicted, target, within.at("tolerance"), "t").value ==
              doctest::Approx(within.at("share").get<double>()).epsilon(1e-14));
    const float marks[] = {20, 20, 20, kNaN, 20}, said[] = {25, 14.5f, 20, 20, kNaN};
    CHECK(*share_within(said, marks, 5, "t").value == doctest::Approx(2.0 / 4));
    CHECK(share_within({}, {}, 5, "hearing threshold").reason ==
          "no recording of the split has a hearing threshold");
    CHECK_THROWS_AS(share_within(said, target, 5, "t"), std::invalid_argument);
}

TEST_CASE("pitfall 13: MAE and R2 from the sums of a whole split equal scikit-learn") {
    for (const auto& expected : golden().at("regression")) {
        CAPTURE(expected.at("name").get<std::string>());
        const RegressionSums sums = sums_of(expected.at("target"), expected.at("predicted"));
        CHECK(*mean_absolute_error(sums, "t").value ==
              doctest::Approx(expected.at("mae").get<double>()).epsilon(1e-12));
        CHECK(*r2_score(sums, "t").value == doctest::Approx(expected.at("r2").get<double>()).epsilon(1e-12));
    }
}

TEST_CASE("pitfall 13: R2 without variance is absent with a reason, not NaN, Inf or a huge number") {
    const std::vector<std::vector<float>> constant = {
        {6.1f}, {6.1f, 6.1f, 6.1f}, std::vector<float>(1000, 0.3f), {0, 0}};
    for (const auto& target : constant) {
        const std::vector<float> predicted(target.size(), 5.0f);
        const Metric r2 = r2_score(sums_of(target, predicted), "latency");
        CHECK_FALSE(r2.value.has_value());
        CHECK(r2.reason.find("latency") != std::string::npos);
        CHECK(mean_absolute_error(sums_of(target, predicted), "latency").value.has_value());
    }
}

TEST_CASE("regression metrics without a target are absent with a reason") {
    CHECK(mean_absolute_error({}, "hearing threshold").reason ==
          "no recording of the split has a hearing threshold");
    CHECK_FALSE(r2_score({}, "hearing threshold").value.has_value());
    CHECK_FALSE(r2_score({}, "hearing threshold").reason.empty());
}

TEST_CASE("a NaN in the sums shows as NaN and not as a missing variance") {
    RegressionSums sums = sums_of({1, 2}, {1, kNaN});
    CHECK(std::isnan(*r2_score(sums, "t").value));
    sums = sums_of({1, kNaN}, {1, 2});
    CHECK(std::isnan(*r2_score(sums, "t").value));
}

TEST_CASE("mean, median and spread equal numpy") {
    for (const auto& expected : golden().at("summary")) {
        CAPTURE(expected.at("name").get<std::string>());
        std::vector<float> values = expected.at("values");
        const std::vector<double> wide(values.begin(), values.end());
        const Spread s = spread(wide);
        CHECK(s.mean == doctest::Approx(expected.at("mean").get<double>()).epsilon(1e-13));
        CHECK(s.std == doctest::Approx(expected.at("std").get<double>()).epsilon(1e-13));
        CHECK(s.min == std::ranges::min(wide));
        CHECK(s.max == std::ranges::max(wide));
        values.push_back(kNaN);  // not measured: left out
        const Average average = average_measured(values, "none");
        CHECK(*average.mean.value == doctest::Approx(expected.at("mean").get<double>()).epsilon(1e-13));
        CHECK(*average.median.value == doctest::Approx(expected.at("median").get<double>()).epsilon(1e-13));
    }
}

TEST_CASE("mean and median of nothing measured are absent with the reason given") {
    const float values[] = {kNaN, kNaN};
    CHECK(average_measured(values, "flat").median.reason == "flat");
    CHECK_FALSE(average_measured({}, "flat").mean.value.has_value());
}

TEST_CASE("a NaN among the steps makes the whole spread NaN, also its minimum and maximum") {
    const double values[] = {1, std::numeric_limits<double>::quiet_NaN(), 3};
    const Spread s = spread(values);
    CHECK(std::isnan(s.min));
    CHECK(std::isnan(s.max));
    CHECK_THROWS_AS(spread({}), std::invalid_argument);
}

}  // namespace
}  // namespace abr
