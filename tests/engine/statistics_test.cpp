#include "engine/data/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "engine/error.hpp"
#include "tests/engine/small_table.hpp"

using namespace abr;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Five rows with known values: ages 0, 2, missing, 4, 100; FMP 0, 1, 2, 3, missing; one rate for all.
Recordings known_table() {
    Recordings table = empty_table();
    for (int r = 0; r < 5; ++r) add_row(table, "p" + std::to_string(r), r < 3 ? 0 : 1);
    table.age_years = {0, 2, kMissing, 4, 100};
    table.fmp = {0, 1, 2, 3, kMissing};
    table.intensity_db = {10, 20, 30, 40, 90};
    table.scalar[Component::peak_latency] = {1, 3, kMissing, 4.5f, 2};
    table.scalar[Component::peak_amplitude] = {.2f, .2f, kMissing, .2f, .2f};
    return table;
}

const std::vector<std::int64_t> kFirstFour = {0, 1, 2, 3};

}  // namespace

TEST_CASE("pitfall 12: rows outside the training rows do not change any statistic") {
    Recordings table = known_table();
    const FittedStatistics before = fit_statistics(table, kFirstFour, 2, {}, 0);
    table.age_years[4] = 3;
    table.intensity_db[4] = -1000;
    table.fmp[4] = 7;
    table.label[4] = 0;
    table.scalar[Component::threshold][4] = 1e6f;
    for (std::int64_t k = 0; k < table.length; ++k)
        table.signal[static_cast<std::size_t>(4 * table.length + k)] = 1e3f;
    CHECK(fit_statistics(table, kFirstFour, 2, {}, 0) == before);
    CHECK_FALSE(fit_statistics(table, std::vector<std::int64_t>{0, 1, 2, 3, 4}, 2, {}, 0) == before);
}

TEST_CASE("statistics: medians, means and biased deviations of the filled inputs in the network's unit") {
    const FittedStatistics s = fit_statistics(known_table(), kFirstFour, 2, {}, 0);
    CHECK(s.fill_age_years == 2);  // of 0, 2, 4
    CHECK(s.fill_fmp == 1.5);      // of 0, 1, 2, 3
    CHECK(s.fill_rate_hz == double{33.3f});

    const double ages[] = {0, std::log(3.0), std::log(3.0), std::log(5.0)};
    double mean = 0, squares = 0;
    for (const double a : ages) mean += a / 4;
    for (const double a : ages) squares += (a - mean) * (a - mean) / 4;
    CHECK(s.statics[kAge].mean == doctest::Approx(mean));
    CHECK(s.statics[kAge].sd == doctest::Approx(std::sqrt(squares)));
    CHECK(s.statics[kIntensity].mean == 25);
    CHECK(s.statics[kIntensity].sd == doctest::Approx(std::sqrt(125.0)));
    CHECK(s.statics[kAgeMissing].mean == 0.25);
    CHECK(s.statics[kAgeMissing].sd == doctest::Approx(std::sqrt(0.1875)));
    CHECK(s.class_counts == std::vector<std::int64_t>{3, 1});
}

TEST_CASE("statistics: the signal's mean and log-sd are those of each recording") {
    const Recordings table = known_table();
    const FittedStatistics s = fit_statistics(table, std::vector<std::int64_t>{0, 1}, 2, {}, 0);
    // Row r is 0.01 r + (0.1 + 0.001 r) k with k = 0 ... 7: mean k 3.5, biased variance of k 5.25.
    CHECK(s.statics[kSignalMean].mean == doctest::Approx((0.35 + 0.01 + 0.101 * 3.5) / 2));
    CHECK(s.statics[kSignalLogSd].mean ==
          doctest::Approx((std::log(0.1) + std::log(0.101)) / 2 + std::log(5.25) / 2));
    const std::vector<float> flat(8, 0.25f);
    CHECK(signal_moments(flat).mean == 0.25);
    CHECK(signal_moments(flat).sd == 1e-12);
}

TEST_CASE(
    "statistics: a static input that is constant on the training rows is always 0, a target's scale is 1") {
    Recordings table = known_table();
    const FittedStatistics s = fit_statistics(table, kFirstFour, 2, {}, 0);
    CHECK(s.statics[kRate].sd == 0);
    CHECK(s.statics[kRateMissing].sd == 0);
    CHECK(static_standardisation(s.statics[kRate]).inverse_scale == 0);
    table.rate_hz[4] = 11.1f;
    CHECK(standardised_statics(table, 4, s)[kRate] == 0);
    CHECK(s.target[Component::peak_amplitude].sd == 0);
    CHECK(s.target[Component::peak_amplitude].mean == double{.2f});
    CHECK(target_standardisation(s.target[Component::peak_amplitude]).inverse_scale == 1);
    CHECK(target_standardisation({2, 0.5}).inverse_scale == 2);
    CHECK(target_standardisation({2, 0.5}).mean == 2);
}

TEST_CASE("statistics: a column without any value is filled with 0 and its flag is constant") {
    Recordings table = known_table();
    std::fill(table.age_years.begin(), table.age_years.end(), kMissing);
    const FittedStatistics s = fit_statistics(table, kFirstFour, 2, {}, 0);
    CHECK(s.fill_age_years == 0);
    const auto statics = standardised_statics(table, 0, s);
    CHECK(statics[kAge] == 0);
    CHECK(statics[kAgeMissing] == 0);
}

TEST_CASE("statistics: latency targets lie within the window") {
    const FittedStatistics s = fit_statistics(known_table(), kFirstFour, 2, {}, 0);  // 4.5 ms is beyond 4 ms
    CHECK(s.target[Component::peak_latency].mean == 2);
    CHECK(s.target[Component::peak_latency].sd == 1);
    Recordings table = empty_table();
    table.scalar[Component::peak_latency] =
        table.scalar[Component::threshold] = {0, 4, 4.001f, -0.001f, kMissing};
    const auto target = [&](Component c, std::size_t row) { return scalar_target(table, c, row); };
    CHECK(target(Component::peak_latency, 0) == 0);
    CHECK(target(Component::peak_latency, 1) == 4);
    for (const std::size_t row : {2u, 3u, 4u}) CHECK(std::isnan(target(Component::peak_latency, row)));
    CHECK(target(Component::threshold, 2) == 4.001f);  // no time: it has no window
    CHECK(std::isnan(target(Component::threshold, 4)));
    table.first_sample_ms = -1;  // and 3 ms behind the stimulus
    CHECK(std::isnan(target(Component::peak_latency, 1)));
    CHECK(target(Component::peak_latency, 3) == -0.001f);
}

TEST_CASE("statistics: static inputs are filled, standardised and flagged") {
    const Recordings table = known_table();
    const FittedStatistics s = fit_statistics(table, kFirstFour, 2, {}, 0);
    double sum[kStoredStatics] = {}, squares[kStoredStatics] = {};
    for (const std::int64_t row : kFirstFour) {
        const auto statics = standardised_statics(table, row, s);
        for (std::size_t i = 0; i < kStoredStatics; ++i) {
            sum[i] += double{statics[i]};
            squares[i] += double{statics[i]} * double{statics[i]};
        }
    }
    for (const int i : {kAge, kIntensity, kFmp, kAgeMissing}) {
        CHECK(sum[i] == doctest::Approx(0).epsilon(1e-6));
        CHECK(squares[i] / 4 == doctest::Approx(1));
    }
    BatchSettings settings;
    apply_statistics(s, settings);
    const auto missing = standardised_statics(table, 2, s), present = standardised_statics(table, 1, s);
    CHECK(missing[kAge] == settings.fill_age);
    CHECK(missing[kAgeMissing] == settings.flag_age);
    CHECK(missing[kAge] == present[kAge]);  // the median is 2 years
    CHECK(missing[kAgeMissing] > present[kAgeMissing]);
    CHECK(settings.fill_fmp == doctest::Approx((std::log(2.5) - s.statics[kFmp].mean) / s.statics[kFmp].sd));
    CHECK(settings.target[Component::peak_latency].mean == 2);
    CHECK(settings.signal_log_sd.inverse_scale == doctest::Approx(1 / s.statics[kSignalLogSd].sd));
}

TEST_CASE("statistics: the flags' are of what training sees, whose dropout is a missing value") {
    Recordings table = known_table();
    const FittedStatistics without = fit_statistics(table, kFirstFour, 2, {}, 0),
                           s = fit_statistics(table, kFirstFour, 2, {}, 0.2f);
    CHECK(s.statics[kAge] == without.statics[kAge]);
    CHECK(s.fill_rate_hz == without.fill_rate_hz);
    CHECK(s.statics[kAgeMissing].mean == doctest::Approx(0.4));  // one of four, and a fifth of the others
    CHECK(s.statics[kAgeMissing].sd == doctest::Approx(std::sqrt(0.24)));
    CHECK(s.statics[kRateMissing].mean == doctest::Approx(0.2));
    CHECK(s.statics[kRateMissing].sd == doctest::Approx(0.4));

    // What training writes where it drops an input is what prediction writes where the file lacks it.
    BatchSettings settings;
    apply_statistics(s, settings);
    table.age_years[1] = table.rate_hz[1] = table.fmp[1] = kMissing;
    const auto statics = standardised_statics(table, 1, s);
    CHECK(statics[kAge] == settings.fill_age);
    CHECK(statics[kRate] == settings.fill_rate);
    CHECK(statics[kFmp] == settings.fill_fmp);
    CHECK(statics[kAgeMissing] == settings.flag_age);
    CHECK(statics[kRateMissing] == settings.flag_rate);
    CHECK(statics[kFmpMissing] == settings.flag_fmp);
    const auto known = standardised_statics(table, 0, s);
    for (const StaticInput flag : {kAgeMissing, kRateMissing, kFmpMissing})
        CHECK(statics[flag] - known[flag] > 2);  // it says something
}

TEST_CASE("statistics: a value that has no logarithm is an error that names the row") {
    Recordings table = known_table();
    const FittedStatistics s = fit_statistics(table, kFirstFour, 2, {}, 0);
    table.age_years[1] = -2;
    CHECK_THROWS_WITH_AS(standardised_statics(table, 1, s),
                         doctest::Contains("data row 2: the static input 'age'"), InputError);
}

TEST_CASE("pitfall 6: class weights are none, balanced to a power, or given") {
    const Recordings table = known_table();
    LossConfig loss;
    CHECK(fit_statistics(table, kFirstFour, 2, loss, 0).class_weights == std::vector<double>{1, 1});
    loss.class_weighting = ClassWeighting::balanced;
    const auto balanced =
        fit_statistics(table, kFirstFour, 2, loss, 0).class_weights;  // 4 / (2 * 3), 4 / (2 * 1)
    CHECK(balanced[0] == doctest::Approx(2.0 / 3));
    CHECK(balanced[1] == doctest::Approx(2));
    loss.class_weight_power = 0.5;
    CHECK(fit_statistics(table, kFirstFour, 2, loss, 0).class_weights[1] == doctest::Approx(std::sqrt(2.0)));
    CHECK_THROWS_WITH_AS(fit_statistics(table, kFirstFour, 3, loss, 0), doctest::Contains("class 3 of 3"),
                         InputError);
    loss.class_weighting = ClassWeighting::given;
    loss.class_weights = {1, 7.5};
    CHECK(fit_statistics(table, kFirstFour, 2, loss, 0).class_weights == loss.class_weights);
}

TEST_CASE("statistics: named arrays give the same statistics back, wrong lengths and values are refused") {
    const FittedStatistics s = fit_statistics(known_table(), kFirstFour, 2, {}, 0);
    std::map<std::string, std::vector<double>> stored;
    for (const NamedArray& array : to_named_arrays(s)) stored[array.name] = array.values;
    const auto read = [&](const std::string& name) { return stored.at(name); };
    CHECK(statistics_from_named_arrays(read, 2) == s);
    CHECK_THROWS_WITH_AS(statistics_from_named_arrays(read, 3),
                         doctest::Contains("statistics/class_counts: 2 values"), InputError);
    stored["statistics/static_sd"][0] = kNone;
    CHECK_THROWS_WITH_AS(statistics_from_named_arrays(read, 2), doctest::Contains("statistics/static_sd"),
                         InputError);
}
