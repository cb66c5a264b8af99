#include "kernels/evaluation.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/evaluation_problem.hpp"

namespace abr {
namespace {

using test::Built;
using test::degraded_settings;
using test::Evaluation;
using test::GuardedBuffer;
using test::kClasses;
using test::Split;

double r2(const RegressionSums& s) {
    return 1 - s.squared_error / s.target_squared_deviation;
}

// Two passes over all pairs with a target, in long double.
struct NaiveRegression {
    double count = 0, absolute = 0, squared = 0, deviation = 0;

    NaiveRegression(const std::vector<double>& prediction, const std::vector<float>& target) {
        long double sum = 0, abs = 0, error = 0, squares = 0;
        for (const float y : target) {
            if (std::isnan(y)) continue;
            count += 1;
            sum += y;
        }
        for (std::size_t i = 0; i < target.size(); ++i) {
            if (std::isnan(target[i])) continue;
            const long double e = prediction[i] - target[i], d = target[i] - sum / count;
            abs += std::abs(e);
            error += e * e;
            squares += d * d;
        }
        absolute = static_cast<double>(abs);
        squared = static_cast<double>(error);
        deviation = static_cast<double>(squares);
    }
};

void check_regression(const RegressionSums& sums, const NaiveRegression& naive) {
    CHECK(sums.count == naive.count);
    CHECK(sums.absolute_error == doctest::Approx(naive.absolute).epsilon(1e-6));
    CHECK(sums.squared_error == doctest::Approx(naive.squared).epsilon(1e-6));
    CHECK(sums.target_squared_deviation == doctest::Approx(naive.deviation).epsilon(1e-12));
}

}  // namespace

TEST_CASE_TEMPLATE("evaluation: predictions are in physical units, for every recording", T, float, double) {
    const Split split(33);
    Evaluation<T> e(split);
    e.run(test::in_order(33));
    for (Index r = 0; r < split.rows; ++r) {
        CHECK(e.out_latency[r] == doctest::Approx(1.1f + 0.2f * e.latency[r]).epsilon(1e-6));
        CHECK(e.out_amplitude[r] == doctest::Approx(0.3f + 0.4f * e.amplitude[r]).epsilon(1e-6));
        CHECK(e.out_threshold[r] == doctest::Approx(40 + 20 * e.threshold[r]).epsilon(1e-6));
        CHECK(e.out_exist[r] == static_cast<float>(e.exist[r]));
        for (Index k = 0; k < kClasses; ++k) {
            CHECK(e.out_logits[r * kClasses + k] == static_cast<float>(e.logits[r * kClasses + k]));
        }
    }
    for (const auto* buffer : e.outputs()) buffer->check_sentinels();
    e.confusion.check_sentinels();
}

TEST_CASE("pitfall 9: a latency of 18.5 ms and an amplitude of 1.25 uV are predicted as they are") {
    const Split split(1);
    Evaluation<float> e(split);
    e.latency[0] = (18.5f - 1.1f) / 0.2f;
    e.amplitude[0] = (1.25f - 0.3f) / 0.4f;
    e.run({0});
    CHECK(e.out_latency[0] == doctest::Approx(18.5));
    CHECK(e.out_amplitude[0] == doctest::Approx(1.25));
}

TEST_CASE_TEMPLATE("evaluation: signal metrics hold their definitions in uV", T, float, double) {
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-9;
    const Split split(9, 31);
    Evaluation<T> e(split);
    e.run(test::in_order(9));
    Built<T> built =
        test::build<T>(split, degraded_settings(), BatchMode::validation_degraded, {42, 0, 0, 0});
    double total = 0;
    for (Index r = 0; r < split.rows; ++r) {
        double before = 0, after = 0, mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
        const auto output_uv = [&](Index t) {
            return static_cast<double>(e.signal.view().row(r, 0)[t]) * built.sd[r] + built.mean[r];
        };
        for (Index t = 0; t < 31; ++t) {
            before += std::pow(built.input_uv(r, t) - built.clean_uv(r, t), 2);
            after += std::pow(output_uv(t) - built.clean_uv(r, t), 2);
            mean_x += built.clean_uv(r, t) / 31;
            mean_y += output_uv(t) / 31;
            CHECK(e.restored[r * 31 + t] == doctest::Approx(output_uv(t)).epsilon(1e-6));
        }
        for (Index t = 0; t < 31; ++t) {
            const double x = built.clean_uv(r, t) - mean_x, y = output_uv(t) - mean_y;
            xx += x * x;
            yy += y * y;
            xy += x * y;
        }
        CHECK(e.correlation[r] == doctest::Approx(xy / std::sqrt(xx * yy)).epsilon(1e-4));
        CHECK(e.snr_gain[r] == doctest::Approx(10 * std::log10(before / after)).epsilon(1e-4));
        total += after;
    }
    CHECK(e.sums.signal_count == 9 * 31);
    CHECK(e.sums.signal_squared_error == doctest::Approx(total).epsilon(tolerance));
}

TEST_CASE(
    "evaluation: correlation and SNR gain are NaN for flat signals, the gain also without noise or error") {
    Split split(4, 31);
    for (Index t = 0; t < 31; ++t) {
        split.clean[static_cast<std::size_t>(t)] = 0.5f;  // recording 0: flat clean signal
        split.clean[static_cast<std::size_t>(62 + t)] = split.signal[static_cast<std::size_t>(62 + t)];
    }
    Evaluation<double> e(split);
    Built<double> built = test::build<double>(split, degraded_settings(), BatchMode::validation, {});
    for (Index t = 0; t < 31; ++t) {
        e.signal.view().row(1, 0)[t] = 0.25;                 // recording 1: flat restored signal
        e.signal.view().row(3, 0)[t] = built.clean[93 + t];  // recording 3: a perfect one; 2: no noise
    }
    e.run(test::in_order(4), BatchMode::validation);
    CHECK(std::isnan(e.correlation[0]));
    CHECK(std::isnan(e.snr_gain[0]));
    CHECK(std::isnan(e.correlation[1]));
    CHECK(std::isnan(e.snr_gain[1]));
    CHECK(std::isfinite(e.correlation[2]));
    CHECK(std::isnan(e.snr_gain[2]));
    CHECK(e.correlation[3] == 1.0f);
    CHECK(std::isnan(e.snr_gain[3]));
    CHECK(std::isfinite(e.sums.signal_squared_error));
}

TEST_CASE("evaluation: the 1 nV limit is in uV, whatever the z-score") {
    Split split(2, 31);
    for (Index t = 0; t < 31; ++t) {
        const auto wave = static_cast<float>(std::sin(0.7 * static_cast<double>(t)));  // sd about 0.7
        for (const Index r : {0, 1}) {
            const auto i = static_cast<std::size_t>(r * 31 + t);
            split.signal[i] = split.clean[i] = wave * (r == 0 ? 1.2e-3f : 1.6e-3f);
        }
    }
    Evaluation<double> e(split);
    for (Index r = 0; r < 2; ++r)
        for (Index t = 0; t < 31; ++t) e.signal.view().row(r, 0)[t] = t % 2 == 0 ? 5 : -5;
    e.run({0, 1}, BatchMode::validation);
    CHECK(std::isnan(e.correlation[0]));
    CHECK(std::isfinite(e.correlation[1]));
}

TEST_CASE("evaluation: the confusion matrix counts labelled recordings, ties go to the lowest class") {
    Split split(6);
    split.label = {0, 4, -1, 2, 2, 1};
    Evaluation<float> e(split);
    const std::vector<std::vector<float>> logits{{1, 0, 0, 0, 0},   {0, 0, 0, 0, 1}, {9, 0, 0, 0, 0},
                                                 {-1, 3, 3, -1, 3}, {0, 0, 0, 0, 0}, {-2, -1, -3, -4, -5}};
    for (std::size_t r = 0; r < 6; ++r) std::copy_n(logits[r].data(), 5, e.logits.data() + r * 5);
    e.run(test::in_order(6));
    std::vector<std::int64_t> expected(25);
    expected[0 * 5 + 0] = 1;
    expected[4 * 5 + 4] = 1;
    expected[2 * 5 + 1] = 1;
    expected[2 * 5 + 0] = 1;
    expected[1 * 5 + 1] = 1;
    CHECK(values(e.confusion) == expected);
}

TEST_CASE("pitfall 8: existence is decided at logit 0, so negative logits mean absent") {
    Split split(6);
    split.exist = {1, 0, 1, 0, -1, 1};
    Evaluation<float> e(split);
    const float logits[6] = {0.1f, 0.2f, -0.1f, -3.0f, 5.0f, 0.0f};
    std::copy_n(logits, 6, e.exist.data());
    e.run(test::in_order(6));
    CHECK(e.sums.binary[Component::peak_exist].true_positive == 1);
    CHECK(e.sums.binary[Component::peak_exist].false_positive == 1);
    CHECK(e.sums.binary[Component::peak_exist].false_negative == 2);
    CHECK(e.sums.binary[Component::peak_exist].true_negative == 1);
    CHECK(e.out_exist[3] == -3.0f);
}

TEST_CASE("evaluation: regression sums hold two naive passes over the recordings with a target") {
    const Split split(101);
    Evaluation<double> e(split);
    e.run(test::in_order(101));
    const auto physical = [&](const GuardedBuffer<double>& head, float mean, float scale) {
        std::vector<double> out;
        for (const double v : values(head))
            out.push_back(static_cast<double>(mean) + static_cast<double>(scale) * v);
        return out;
    };
    check_regression(e.sums.scalar[Component::peak_latency],
                     {physical(e.latency, 1.1f, 0.2f), split.latency});
    check_regression(e.sums.scalar[Component::peak_amplitude],
                     {physical(e.amplitude, 0.3f, 0.4f), split.amplitude});
    check_regression(e.sums.scalar[Component::threshold],
                     {physical(e.threshold, 40.0f, 20.0f), split.threshold});
}

TEST_CASE("evaluation: a latency outside the window does not count, its prediction is still written") {
    Split split(2);  // T * dt = 2.5 ms
    split.latency = {2.6f, 2.4f};
    Evaluation<float> e(split);
    e.run({0, 1});
    CHECK(e.sums.scalar[Component::peak_latency].count == 1);
    CHECK(e.sums.scalar[Component::peak_latency].target_mean == doctest::Approx(2.4));
    CHECK(std::isfinite(e.out_latency[0]));
}

TEST_CASE("evaluation: R2 is sound for targets far from 0, and equal targets have a deviation of exactly 0") {
    Split split(200);
    for (std::size_t r = 0; r < 200; ++r) {
        split.threshold[r] = 1e6f + 0.0625f * static_cast<float>(r % 7);
        split.amplitude[r] = 0.1f;
    }
    Evaluation<double> e(split);
    e.scaling[Component::threshold] = {1e6f, 0.5f};
    e.run(test::in_order(200));
    std::vector<double> predicted;
    for (const double v : values(e.threshold)) predicted.push_back(1e6 + 0.5 * v);
    const NaiveRegression naive(predicted, split.threshold);
    CHECK(r2(e.sums.scalar[Component::threshold]) ==
          doctest::Approx(1 - naive.squared / naive.deviation).epsilon(1e-8));
    CHECK(e.sums.scalar[Component::peak_amplitude].count == 200);
    CHECK(e.sums.scalar[Component::peak_amplitude].target_squared_deviation == 0);
}

TEST_CASE("pitfall 13: sums over the split are the same bits whatever the batches") {
    const Split split(37);
    Evaluation<float> whole(split), parts(split), single(split);
    const std::vector<std::int32_t> order = test::in_order(37);
    whole.run(order);
    parts.run({order.begin(), order.begin() + 16});
    parts.run({order.begin() + 16, order.begin() + 32});
    parts.run({order.begin() + 32, order.end()});
    for (const std::int32_t r : order) single.run({r});
    CHECK(parts.same_bits(whole));
    CHECK(single.same_bits(whole));
}

TEST_CASE("evaluation: the same bits for 1, 2 and 3 threads") {
    const Split split(37);
    Evaluation<float> one(split), two(split), three(split);
    one.run(test::in_order(37), BatchMode::validation_degraded, 1);
    two.run(test::in_order(37), BatchMode::validation_degraded, 2);
    three.run(test::in_order(37), BatchMode::validation_degraded, 3);
    CHECK(two.same_bits(one));
    CHECK(three.same_bits(one));
}

TEST_CASE("evaluation: a pass with the signal alone leaves everything else untouched") {
    const Split split(7);
    Evaluation<float> e(split);
    e.run(test::in_order(7), BatchMode::validation_degraded, 1, true);
    CHECK(e.sums.signal_count == 7 * 25);
    CHECK(e.sums.scalar[Component::peak_latency].count == 0);
    CHECK(e.sums.scalar[Component::peak_amplitude].count == 0);
    CHECK(e.sums.scalar[Component::threshold].count == 0);
    CHECK(e.sums.binary[Component::peak_exist].true_negative +
              e.sums.binary[Component::peak_exist].false_positive ==
          0);
    for (const auto* untouched :
         {&e.out_logits, &e.out_exist, &e.out_latency, &e.out_amplitude, &e.out_threshold}) {
        for (const float v : values(*untouched)) CHECK(std::isnan(v));
    }
    for (const std::int64_t count : values(e.confusion)) CHECK(count == 0);
}

TEST_CASE("evaluation: without any label the counts are 0 and the predictions written") {
    Split split(1);
    split.label = {-1};
    split.exist = {-1};
    split.latency = split.amplitude = split.threshold = {std::numeric_limits<float>::quiet_NaN()};
    Evaluation<float> e(split);
    e.run({0});
    CHECK(e.sums.scalar[Component::peak_latency].count + e.sums.scalar[Component::peak_amplitude].count +
              e.sums.scalar[Component::threshold].count ==
          0);
    CHECK(e.sums.binary[Component::peak_exist].true_positive +
              e.sums.binary[Component::peak_exist].false_negative ==
          0);
    for (const std::int64_t count : values(e.confusion)) CHECK(count == 0);
    CHECK(std::isfinite(e.out_latency[0]));
}

}  // namespace abr
