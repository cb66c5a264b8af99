#include "kernels/batch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tests/kernels/batch_problem.hpp"

namespace abr {

using namespace test;

TEST_CASE_TEMPLATE("batch: validation gathers, z-scores and standardises", T, float, double) {
    const double tolerance = std::is_same_v<T, float> ? 1e-6 : 1e-14;
    for (const Index length : {1, 31, 200}) {
        const Split split(7, length);
        const std::vector<std::int32_t> order{5, 0, 6, 1, 1};
        const BatchSettings settings = plain_settings();
        const Built<T> built = build<T>(split, settings, BatchMode::validation, kState, order);
        for (Index b = 0; b < built.rows; ++b) {
            const auto r = static_cast<Index>(order[static_cast<std::size_t>(b)]);
            const auto row = static_cast<std::size_t>(r);
            double mean = 0;
            for (Index t = 0; t < length; ++t) mean += split.signal[static_cast<std::size_t>(r * length + t)];
            mean /= static_cast<double>(length);
            const double sd = std::max(split.sd(r), 1e-12);
            CHECK(built.mean[b] == doctest::Approx(mean).epsilon(tolerance));
            CHECK(built.sd[b] == doctest::Approx(sd).epsilon(tolerance));
            double largest = 0;
            for (Index t = 0; t < length && length > 1; ++t) {
                const auto i = static_cast<std::size_t>(r * length + t);
                largest = std::max(largest, std::abs(built.signal(b)[t] - (split.signal[i] - mean) / sd));
                largest =
                    std::max(largest, std::abs(built.clean[b * length + t] - (split.clean[i] - mean) / sd));
            }
            CHECK(largest <= 20 * tolerance);
            for (Index t = length; t < length + 7; ++t) CHECK(built.signal(b)[t] == T{0});
            for (int s = 0; s < kStoredStatics; ++s) {
                CHECK(built.statics[b * kStaticInputs + s] ==
                      split.statics[row * kStoredStatics + static_cast<std::size_t>(s)]);
            }
            CHECK(built.label[b] == split.label[row]);
            CHECK(built.first_share[b] == T{1});
            CHECK(built.exist[b] == split.exist[row]);
            const auto standardised = [&](float value, Standardisation s) {
                return doctest::Approx((static_cast<double>(value) - s.mean) * s.inverse_scale)
                    .epsilon(tolerance);
            };
            CHECK(std::isnan(built.latency[b]) == (std::isnan(split.latency[row]) || length < 10));
            CHECK(std::isnan(built.amplitude[b]) == std::isnan(split.amplitude[row]));
            CHECK(std::isnan(built.threshold[b]) == std::isnan(split.threshold[row]));
            if (!std::isnan(built.latency[b]))
                CHECK(built.latency[b] ==
                      standardised(split.latency[row], settings.target[Component::peak_latency]));
            if (!std::isnan(built.amplitude[b]))
                CHECK(built.amplitude[b] ==
                      standardised(split.amplitude[row], settings.target[Component::peak_amplitude]));
            if (!std::isnan(built.threshold[b]))
                CHECK(built.threshold[b] ==
                      standardised(split.threshold[row], settings.target[Component::threshold]));
        }
        built.input.check_zero_padding();
        built.check_sentinels();
    }
}

TEST_CASE(
    "pitfall 10: mean and log-sd of the recording are static inputs, so amplitudes in uV can be learnt") {
    const Split split(5);
    Split louder = split;
    for (float& x : louder.signal) x *= 4;
    const BatchSettings settings = plain_settings();
    const auto quiet = build(split, settings, BatchMode::validation);
    const auto loud = build(louder, settings, BatchMode::validation);
    for (Index b = 0; b < 5; ++b) {
        for (Index t = 0; t < split.length; ++t) {
            CHECK(loud.signal(b)[t] == doctest::Approx(quiet.signal(b)[t]).epsilon(1e-12));
        }
        const double* q = quiet.statics.data() + b * kStaticInputs;
        const double* l = loud.statics.data() + b * kStaticInputs;
        CHECK(q[kSignalMean] == doctest::Approx((quiet.mean[b] - 0.5) * 2));
        CHECK(q[kSignalLogSd] == doctest::Approx((std::log(split.sd(b)) + 1) * 4));
        CHECK(l[kSignalMean] - q[kSignalMean] == doctest::Approx(3 * quiet.mean[b] * 2));
        CHECK(l[kSignalLogSd] - q[kSignalLogSd] == doctest::Approx(std::log(4.0) * 4));
    }
}

TEST_CASE(
    "batch: the state says where in the order the step begins, the place where in the step the batch does") {
    const Split split(9);
    StepState state;
    state.first = 4;
    const auto built = build(split, plain_settings(), BatchMode::validation, state, {}, true, 2);
    REQUIRE(built.rows == 3);
    for (Index b = 0; b < built.rows; ++b) {
        CHECK(built.label[b] == split.label[static_cast<std::size_t>(6 + b)]);
        CHECK(built.input_uv(b, 3) ==
              doctest::Approx(split.signal[static_cast<std::size_t>((6 + b) * 25 + 3)]));
    }
}

TEST_CASE("batch: a shift moves recording, clean signal and latency by n samples, edges hold") {
    const Split split(200);
    BatchSettings settings = plain_settings();
    settings.augmentation.probability = 1;
    settings.augmentation.shift_samples = 3;
    const auto built = build(split, settings, BatchMode::training, kState);
    std::vector<int> seen(7);
    for (Index b = 0; b < split.rows; ++b) {
        const Index n = expected_shift(kState, static_cast<std::uint32_t>(b), 3);
        ++seen[static_cast<std::size_t>(n + 3)];
        double largest = 0;
        for (Index t = 0; t < split.length; ++t) {
            const auto from =
                static_cast<std::size_t>(b * split.length + std::clamp<Index>(t - n, 0, split.length - 1));
            largest = std::max(largest, std::abs(built.input_uv(b, t) - split.signal[from]));
            largest = std::max(largest, std::abs(built.clean_uv(b, t) - split.clean[from]));
        }
        CHECK(largest < 1e-12);
        const double moved = split.latency[static_cast<std::size_t>(b)] + static_cast<double>(n) * 0.1;
        if (!std::isnan(moved)) CHECK(built.latency[b] == (moved - 1.1f) * 5);
        if (!std::isnan(built.amplitude[b])) {
            CHECK(built.amplitude[b] ==
                  (static_cast<double>(split.amplitude[static_cast<std::size_t>(b)]) - 0.3f) * 3);
        }
    }
    for (const int count : seen) CHECK(count > 10);
}

TEST_CASE("batch: a scale acts on recording, clean signal and amplitude, not on the latency") {
    const Split split(60);
    BatchSettings settings = plain_settings();
    settings.augmentation.probability = 1;
    settings.augmentation.scale_low = 0.5f;
    settings.augmentation.scale_high = 1.5f;
    const auto plain = build(split, settings, BatchMode::validation);
    const auto built = build(split, settings, BatchMode::training, kState);
    double lowest = 2, highest = 0;
    for (Index b = 0; b < split.rows; ++b) {
        const double u = built.sd[b] / plain.sd[b];
        lowest = std::min(lowest, u);
        highest = std::max(highest, u);
        CHECK(built.mean[b] == doctest::Approx(u * plain.mean[b]));
        CHECK(built.clean_uv(b, 7) == doctest::Approx(u * plain.clean_uv(b, 7)));
        if (!std::isnan(plain.latency[b])) CHECK(built.latency[b] == plain.latency[b]);
        if (!std::isnan(plain.amplitude[b])) {
            CHECK(built.amplitude[b] / 3 + 0.3f ==
                  doctest::Approx(u * split.amplitude[static_cast<std::size_t>(b)]));
        }
        if (!std::isnan(plain.threshold[b])) CHECK(built.threshold[b] == plain.threshold[b]);
    }
    CHECK(lowest > 0.5 - 1e-6);
    CHECK(lowest < 0.6);
    CHECK(highest > 1.4);
    CHECK(highest < 1.5 + 1e-6);
}

TEST_CASE("batch: a latency outside the window is masked, the wave still exists") {
    Split split(5);  // T * dt = 2.5 ms
    split.latency = {0.0f, 2.5f, 2.51f, 18.5f, 0.1f};
    split.exist.assign(5, 1);
    const auto built = build(split, plain_settings(), BatchMode::validation);
    const std::vector<bool> masked{false, false, true, true, false};
    for (Index b = 0; b < 5; ++b) {
        CHECK(std::isnan(built.latency[b]) == masked[static_cast<std::size_t>(b)]);
        CHECK(built.exist[b] == 1);
    }
    // By the clock of recordings that begin before the stimulus, or behind it.
    for (const auto& [first, outside] : {std::pair(-1.0, std::array{false, true, true, true, false}),
                                         std::pair(0.05, std::array{true, false, false, true, false})}) {
        BatchSettings settings = plain_settings();
        settings.first_sample_ms = first;
        const auto of_clock = build(split, settings, BatchMode::validation, kState);
        for (Index b = 0; b < 5; ++b)
            CHECK(std::isnan(of_clock.latency[b]) == outside[static_cast<std::size_t>(b)]);
    }

    BatchSettings shifted = plain_settings();
    shifted.augmentation.probability = 1;
    shifted.augmentation.shift_samples = 3;
    split = Split(50);
    split.latency.assign(50, 2.45f);
    split.exist.assign(50, 1);
    const auto moved = build(split, shifted, BatchMode::training, kState);
    for (Index b = 0; b < 50; ++b) {
        CHECK(std::isnan(moved.latency[b]) == (expected_shift(kState, static_cast<std::uint32_t>(b), 3) > 0));
        CHECK(moved.exist[b] == 1);
    }
}

TEST_CASE("pitfall 9: latencies of 18.5 ms and amplitudes of 1.25 uV reach the targets unclamped") {
    Split split(2, 200);
    split.latency = {18.5f, 18.5f};
    split.amplitude = {1.25f, -1.25f};
    const auto built = build(split, plain_settings(), BatchMode::validation);
    CHECK(built.latency[0] == doctest::Approx((18.5 - 1.1f) * 5));
    CHECK(built.amplitude[0] == doctest::Approx((1.25 - 0.3f) * 3));
    CHECK(built.amplitude[1] == doctest::Approx((-1.25 - 0.3f) * 3));
}

}  // namespace abr
