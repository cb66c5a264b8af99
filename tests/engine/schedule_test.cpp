#include "engine/training/schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

using namespace abr;

namespace {

constexpr double kRate = 5e-5, kMinimum = 1e-7;
constexpr std::int64_t kStepsPerEpoch = 37;  // the last step of an epoch is a smaller one

ScheduleConfig schedule_of(ScheduleType type, int warmup_epochs = 0) {
    ScheduleConfig config;
    config.type = type;
    config.warmup_epochs = warmup_epochs;
    config.min_lr = kMinimum;
    return config;
}

// The rate of every step of a run.
std::vector<double> whole_run(const ScheduleConfig& config, std::int64_t epochs) {
    const LearningRateSchedule schedule(config, kRate, kStepsPerEpoch, epochs);
    std::vector<double> rates;
    for (std::int64_t step = 0; step < epochs * kStepsPerEpoch; ++step) rates.push_back(schedule.rate(step));
    return rates;
}

// Steps at which the rate is higher than at the step before.
std::vector<std::int64_t> rises(const std::vector<double>& rates) {
    std::vector<std::int64_t> steps;
    for (std::size_t i = 1; i < rates.size(); ++i)
        if (rates[i] > rates[i - 1]) steps.push_back(static_cast<std::int64_t>(i));
    return steps;
}

double smallest(const std::vector<double>& rates) {
    return *std::min_element(rates.begin(), rates.end());
}
double largest(const std::vector<double>& rates) {
    return *std::max_element(rates.begin(), rates.end());
}

double half_cosine(double progress) {
    return kMinimum + 0.5 * (kRate - kMinimum) * (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace

TEST_CASE("pitfall 16: warm restarts rise only at the restarts and never reach 0, over 100 epochs") {
    ScheduleConfig config = schedule_of(ScheduleType::warm_restarts);
    config.t0 = 15;
    config.t_mult = 2;
    const auto rates = whole_run(config, 100);
    // Periods of 15, 30, 60 epochs, the last one cut by the end of the run.
    CHECK(rises(rates) == std::vector<std::int64_t>{15 * kStepsPerEpoch, 45 * kStepsPerEpoch});
    CHECK(smallest(rates) >= kMinimum);
    CHECK(largest(rates) == kRate);
    for (const std::int64_t restart : {0, 15, 45})
        CHECK(rates[static_cast<std::size_t>(restart * kStepsPerEpoch)] == kRate);
    // Every step, not every epoch: half a step before the middle of the second period, and its last step.
    CHECK(rates[30 * kStepsPerEpoch] == doctest::Approx(half_cosine(0.5)).epsilon(1e-12));
    CHECK(rates[45 * kStepsPerEpoch - 1] ==
          doctest::Approx(half_cosine(1 - 1.0 / (30 * kStepsPerEpoch))).epsilon(1e-12));
    CHECK(rates[17 * kStepsPerEpoch + 5] < rates[17 * kStepsPerEpoch + 4]);
}

TEST_CASE("pitfall 16: periods of equal length restart each time, and begin after the warm-up") {
    ScheduleConfig config = schedule_of(ScheduleType::warm_restarts, 2);
    config.t0 = 3;
    config.t_mult = 1;
    const auto rates = whole_run(config, 11);
    const auto up = rises(rates);
    const std::int64_t warm = 2 * kStepsPerEpoch;
    // Each step of the warm-up but its first, then the restarts; the first period begins at the top.
    std::vector<std::int64_t> expected;
    for (std::int64_t step = 1; step < warm; ++step) expected.push_back(step);
    for (const std::int64_t restart : {3, 6}) expected.push_back(warm + restart * kStepsPerEpoch);
    CHECK(up == expected);
    CHECK(rates.front() == doctest::Approx(kRate / static_cast<double>(warm)).epsilon(1e-12));
    CHECK(rates[static_cast<std::size_t>(warm - 1)] == kRate);
    CHECK(rates[static_cast<std::size_t>(warm)] == kRate);
}

TEST_CASE("pitfall 16: the cosine falls over the whole run, is near its minimum only at the end") {
    for (const int warmup : {0, 3}) {
        CAPTURE(warmup);
        const std::int64_t epochs = 20, warm = warmup * kStepsPerEpoch;
        const auto rates = whole_run(schedule_of(ScheduleType::cosine, warmup), epochs);
        for (const std::int64_t step : rises(rates)) CHECK(step < warm);
        CHECK(smallest(std::vector(rates.begin() + warm, rates.end())) == rates.back());
        CHECK(rates.back() > kMinimum);
        const auto falling = static_cast<double>(epochs * kStepsPerEpoch - warm);
        CHECK(rates.back() == doctest::Approx(half_cosine(1 - 1 / falling)).epsilon(1e-12));
        // Three quarters through the fall it still has 15 % of its height.
        const auto late = static_cast<std::size_t>(static_cast<double>(warm) + 0.75 * falling);
        CHECK(rates[late] > 0.14 * kRate);
    }
}

TEST_CASE("pitfall 16: steps and a constant rate never rise and never reach 0") {
    ScheduleConfig config = schedule_of(ScheduleType::step, 1);
    config.step_epochs = 4;
    config.factor = 0.1;
    const auto rates = whole_run(config, 30);
    for (const std::int64_t step : rises(rates)) CHECK(step < kStepsPerEpoch);
    CHECK(rates[static_cast<std::size_t>(5 * kStepsPerEpoch - 1)] == kRate);
    CHECK(rates[static_cast<std::size_t>(5 * kStepsPerEpoch)] == doctest::Approx(0.1 * kRate));
    CHECK(rates[static_cast<std::size_t>(9 * kStepsPerEpoch)] == doctest::Approx(0.01 * kRate));
    CHECK(rates.back() == kMinimum);

    const auto constant = whole_run(schedule_of(ScheduleType::constant), 5);
    CHECK(smallest(constant) == kRate);
    CHECK(largest(constant) == kRate);
}

TEST_CASE("pitfall 16: a plateau lowers the rate once per patience + 1 epochs without a new best loss") {
    ScheduleConfig config = schedule_of(ScheduleType::plateau);
    config.patience = 1;
    config.factor = 0.5;
    const LearningRateSchedule schedule(config, kRate, kStepsPerEpoch, 10);
    PlateauState state;
    const double loss[] = {3.0, 2.0, 2.0, 2.5, 1.9, 1.95, 1.8, 1.9, 1.9, 1.9, 1.9};
    const int reductions[] = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3};
    double previous = kRate;
    for (std::size_t epoch = 0; epoch < std::size(loss); ++epoch) {
        CAPTURE(epoch);
        observe_plateau(state, config, loss[epoch]);
        CHECK(state.reductions == reductions[epoch]);
        const double rate = schedule.rate(static_cast<std::int64_t>(epoch) * kStepsPerEpoch, state);
        CHECK(rate <= previous);
        CHECK(rate == doctest::Approx(kRate * std::pow(0.5, reductions[epoch])));
        previous = rate;
    }
    for (int epoch = 0; epoch < 100; ++epoch) observe_plateau(state, config, 5.0);
    CHECK(schedule.rate(0, state) == kMinimum);
}

TEST_CASE("plateau: a loss that is not a number is no improvement") {
    const ScheduleConfig config = schedule_of(ScheduleType::plateau);
    PlateauState state;
    observe_plateau(state, config, 2.0);
    observe_plateau(state, config, std::nan(""));
    CHECK(state.best_loss == 2.0);
    CHECK(state.epochs_without_improvement == 1);
}
