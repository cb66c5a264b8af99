#include "metrics/calibration.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "metrics/probability.hpp"
#include "tests/metrics/golden.hpp"

namespace abr {
namespace {

using test::golden;

double ece(const TaskLogits& task, double temperature) {
    return *expected_calibration_error(reliability(task, temperature)).value;
}

double likelihood_loss(const TaskLogits& task, double temperature) {
    double loss = 0;
    for (std::size_t r = 0; r < task.label.size(); ++r) {
        if (task.label[r] < 0) continue;
        const auto width = static_cast<std::size_t>(std::max<Index>(task.classes, 1));
        const auto logits = task.logits.subspan(r * width, width);
        const double yes = sigmoid(logits[0], temperature);
        loss -= task.classes > 0 ? log_softmax(logits, temperature)[static_cast<std::size_t>(task.label[r])]
                                 : std::log(task.label[r] == 1 ? yes : 1 - yes);
    }
    return loss;
}

TEST_CASE("calibration: errors and the fitted temperature equal numpy's and scipy's") {
    for (const auto& expected : golden().at("calibration")) {
        CAPTURE(expected.at("name").get<std::string>());
        const std::vector<float> logits = expected.at("logits");
        const std::vector<std::int32_t> label = expected.at("label");
        const TaskLogits task{logits, label, expected.at("classes")};
        CHECK(ece(task, 1) == doctest::Approx(expected.at("ece_uncalibrated").get<double>()).epsilon(1e-12));
        CHECK(ece(task, 1.7) == doctest::Approx(expected.at("ece_at_1.7").get<double>()).epsilon(1e-12));
        const double temperature = fit_temperature(task);
        CHECK(temperature == doctest::Approx(expected.at("temperature").get<double>()).epsilon(1e-6));
        CHECK(fit_temperature(task) == temperature);
        for (const double other : {0.999, 1.001})
            CHECK(likelihood_loss(task, temperature) < likelihood_loss(task, other * temperature));
        CHECK(ece(task, temperature) < ece(task, 1));
    }
}

TEST_CASE("calibration: a bin by hand, of yes and of the predicted class") {
    // Three recordings say yes with 0.75, of which one is: the bin up to 12 / 15 holds them.
    const float yes = std::log(3.0f);
    const std::vector<float> logits = {yes, yes, yes, 40, -40};
    const std::vector<std::int32_t> label = {1, 0, 0, 1, 0};
    const TaskLogits task{logits, label};
    const Reliability bins = reliability(task, 1);
    CHECK(bins[11].low == doctest::Approx(11.0 / 15));
    CHECK(bins[11].high == doctest::Approx(12.0 / 15));
    CHECK(bins[11].recordings == 3);
    CHECK(bins[11].mean_probability == doctest::Approx(0.75));
    CHECK(bins[11].share_true == doctest::Approx(1.0 / 3));
    CHECK(bins[0].recordings == 1);   // a probability of 0
    CHECK(bins[14].recordings == 1);  // and of 1
    CHECK(ece(task, 1) == doctest::Approx(3.0 / 5 * (0.75 - 1.0 / 3)));

    // Of classes the largest probability counts, whatever it says of the others: 0.6 for the second class.
    const std::vector<float> classes = {std::log(0.1f), std::log(0.6f), std::log(0.3f)};
    const std::vector<std::int32_t> second = {1}, third = {2}, none = {-1};
    CHECK(ece({classes, second, 3}, 1) == doctest::Approx(0.4));
    CHECK(ece({classes, third, 3}, 1) == doctest::Approx(0.6));
    CHECK_FALSE(expected_calibration_error(reliability({classes, none, 3}, 1)).reason.empty());
}

TEST_CASE("calibration: without a label, or with flat logits, nothing is scaled, and certainty has bounds") {
    const std::vector<float> logits = {2, -1, 0.5f}, flat = {0, 0, 0};
    const std::vector<std::int32_t> none = {-1, -1, -1}, right = {1, 0, 1}, wrong = {0, 1, 0};
    CHECK(fit_temperature({logits, none}) == 1);
    CHECK(fit_temperature({flat, right}) == 1);
    CHECK(fit_temperature({logits, right}) == doctest::Approx(kLowestTemperature));
    CHECK(fit_temperature({logits, wrong}) == doctest::Approx(kHighestTemperature));
}

TEST_CASE("calibration refuses logits that are not finite or not of these labels") {
    const std::vector<float> broken = {1, std::numeric_limits<float>::infinity()};
    const std::vector<std::int32_t> labelled = {1, 0}, unlabelled = {1, -1}, one = {1};
    CHECK_THROWS_AS(reliability({broken, labelled}, 1), std::domain_error);
    CHECK_NOTHROW(reliability({broken, unlabelled}, 1));
    CHECK_THROWS_AS(fit_temperature({broken, one}), std::invalid_argument);
}

TEST_CASE("probabilities: a temperature of 1 changes no bit, a higher one brings them together") {
    const float logits[] = {1.3f, -0.7f, 0.1f};
    CHECK(log_softmax(logits, 1) == log_softmax(logits));
    CHECK(log_softmax(logits, 2)[0] ==
          doctest::Approx(0.65 - std::log(std::exp(0.65) + std::exp(-0.35) + std::exp(0.05))));
    CHECK(sigmoid(1.3f) == 1 / (1 + std::exp(-double{1.3f})));
    CHECK(sigmoid(1.3f, 2) == doctest::Approx(1 / (1 + std::exp(-0.65))));
}

}  // namespace
}  // namespace abr
