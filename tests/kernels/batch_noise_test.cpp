// What an average of another device and of fewer sweeps would look like: band, coloured noise, mains.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "kernels/batch/row.hpp"
#include "tests/kernels/batch_problem.hpp"

namespace abr {

using namespace test;

namespace {

constexpr double kPi = std::numbers::pi, kDt = 1e-4;  // seconds, as in plain_settings()

// The gain that kernels/batch/band.hpp states.
double low_pass_gain(double hz, double cutoff) {
    return 1 / (1 + (1 - std::cos(2 * kPi * hz * kDt)) / (1 - std::cos(2 * kPi * cutoff * kDt)));
}
double band_gain(double hz, double high_pass, double low_pass) {
    return (1 - low_pass_gain(hz, high_pass)) * low_pass_gain(hz, low_pass);
}

BatchSettings with_band(float high_pass, float low_pass) {
    BatchSettings settings = plain_settings();
    settings.augmentation.band_probability = 1;
    settings.augmentation.high_pass_hz = {high_pass, high_pass};
    settings.augmentation.low_pass_hz = {low_pass, low_pass};
    return settings;
}
BatchSettings with_coloured_noise(float low, float high) {
    BatchSettings settings = plain_settings();
    settings.degradation.probability = 1;
    settings.degradation.coloured_sd = {low, high};
    return settings;
}

// What was added to each row's input, in sds of the undegraded recording.
std::vector<std::vector<double>> added(const Split& split, BatchSettings settings,
                                       BatchMode mode = BatchMode::training) {
    const auto noisy = build(split, settings, mode, kState);
    settings.degradation.probability = 0;
    const auto plain = build(split, settings, mode, kState);
    std::vector<std::vector<double>> rows(static_cast<std::size_t>(split.rows));
    for (Index b = 0; b < split.rows; ++b)
        for (Index t = 0; t < split.length; ++t)
            rows[static_cast<std::size_t>(b)].push_back((noisy.input_uv(b, t) - plain.input_uv(b, t)) /
                                                        plain.sd[b]);
    return rows;
}
double rms(const std::vector<double>& x) {
    double squares = 0;
    for (const double v : x) squares += v * v;
    return std::sqrt(squares / static_cast<double>(x.size()));
}
// Power of x at a frequency, by a Hann window (or none), in an arbitrary unit.
double power_at(const std::vector<double>& x, double hz, bool window = true) {
    double cosine = 0, sine = 0;
    const auto n = static_cast<double>(x.size());
    for (std::size_t t = 0; t < x.size(); ++t) {
        const double hann = window ? 1 - std::cos(2 * kPi * (static_cast<double>(t) + 0.5) / n) : 1;
        cosine += x[t] * hann * std::cos(2 * kPi * hz * kDt * static_cast<double>(t));
        sine += x[t] * hann * std::sin(2 * kPi * hz * kDt * static_cast<double>(t));
    }
    return (cosine * cosine + sine * sine) * 4 / (n * n);
}

}  // namespace

TEST_CASE("batch: the band passes a wave with its gain and without delay, in recording and clean signal") {
    const double frequencies[] = {20, 100, 400, 1000, 2000, 3500};
    Split split(6, 4000);
    for (Index b = 0; b < split.rows; ++b)
        for (Index t = 0; t < split.length; ++t) {
            const auto i = static_cast<std::size_t>(b * split.length + t);
            split.signal[i] =
                static_cast<float>(std::cos(2 * kPi * frequencies[b] * kDt * static_cast<double>(t - 2000)));
            split.clean[i] = -3 * split.signal[i];
        }
    const auto built = build(split, with_band(100, 2000), BatchMode::training, kState);
    for (Index b = 0; b < split.rows; ++b) {
        const double gain = band_gain(frequencies[b], 100, 2000);
        CAPTURE(frequencies[b]);
        for (Index t = 1990; t < 2010; ++t) {
            const double wave = split.signal[static_cast<std::size_t>(b * split.length + t)];
            CHECK(std::abs(built.input_uv(b, t) - gain * wave) < 1e-5);
            CHECK(std::abs(built.clean_uv(b, t) + 3 * gain * wave) < 3e-5);
        }
    }
    // As the cohort's amplifier and many devices have it: half at the cut-offs, 12 dB an octave beyond.
    CHECK(band_gain(100, 100, 4999) == doctest::Approx(0.5).epsilon(0.01));
    CHECK(band_gain(20, 100, 2000) == doctest::Approx(0.04 / 1.04).epsilon(0.01));
    CHECK(built.latency.same_bits(build(split, plain_settings(), BatchMode::training, kState).latency));
}

TEST_CASE("batch: the band is the two-sided exponential over a row that goes on with its edge values") {
    for (const Index length : {1, 2, 7, 60}) {
        std::vector<double> x, reversed;
        for (Index t = 0; t < length; ++t) x.push_back(random_value(9, t) + 0.5);
        reversed.assign(x.rbegin(), x.rend());
        for (const double cutoff : {0.004, 0.05, 0.3, 0.7}) {
            const OnePole low = low_pass_at(cutoff), high = high_pass_at(cutoff);
            const double a = low.pole;
            CHECK(a > 0);
            CHECK(a < 1);
            std::vector<double> smooth = x, sharp = x, backward = reversed;
            filter_both_ways(low, length, smooth.data());
            filter_both_ways(high, length, sharp.data());
            filter_both_ways(low, length, backward.data());
            for (Index t = 0; t < length; ++t) {
                double expected = 0;
                for (Index j = -3000; j <= 3000; ++j)
                    expected += (1 - a) / (1 + a) * std::pow(a, static_cast<double>(std::abs(j))) *
                                x[static_cast<std::size_t>(std::clamp<Index>(t + j, 0, length - 1))];
                const auto i = static_cast<std::size_t>(t);
                CHECK(smooth[i] == doctest::Approx(expected).epsilon(1e-10));
                CHECK(std::abs(sharp[i] - (x[i] - expected)) < 1e-10);
                CHECK(backward[static_cast<std::size_t>(length) - 1 - i] ==
                      doctest::Approx(smooth[i]).epsilon(1e-10));
            }
        }
    }
    CHECK(low_pass_at(0.7).pole == low_pass_at(0.5).pole);
}

TEST_CASE("batch: a band is drawn by its probability, its cut-offs log-uniform between their bounds") {
    BatchSettings settings = plain_settings();
    settings.augmentation.band_probability = 0.3f;
    int on = 0;
    for (std::uint32_t place = 0; place < 2000; ++place) {
        const Band band = draw_band(settings, RowDraws(kState, place), true);
        const Random4 words = block(kState, Purpose::augment_decision, place, 2);
        CHECK(band.on == (to_uniform(words[0]) <= 0.3f));
        on += band.on;
        const double high = 33 * std::pow(150.0 / 33, to_uniform(words[1])),
                     low = 1500 * std::pow(2, to_uniform(words[2]));
        CHECK(band.filter[0].pole == doctest::Approx(pole_of(high * kDt)).epsilon(1e-12));
        CHECK(band.filter[1].pole == doctest::Approx(pole_of(low * kDt)).epsilon(1e-12));
        CHECK(gain_of(band, std::cos(2 * kPi * 700 * kDt)) ==
              doctest::Approx(band_gain(700, high, low)).epsilon(1e-10));
        CHECK_FALSE(draw_band(settings, RowDraws(kState, place), false).on);
    }
    CHECK(on / 2000.0 == doctest::Approx(0.3).epsilon(0.1));
}

TEST_CASE("batch: coloured noise has equal power in each octave, and the sd that is asked for") {
    const Split split(1500, 400);
    for (const BatchMode mode : {BatchMode::training, BatchMode::validation_degraded}) {
        const auto noise = added(split, with_coloured_noise(0.5f, 0.5f), mode);
        double power = 0, fourth = 0;
        for (const auto& row : noise) {
            power += rms(row) * rms(row) / 1500;
            for (const double v : row) fourth += v * v * v * v / 1500 / 400;
        }
        CHECK(std::sqrt(power) == doctest::Approx(0.5).epsilon(0.03));
        CHECK(fourth / (power * power) == doctest::Approx(3).epsilon(0.1));  // of a normal distribution
        const auto octave = [&](double from) {
            double sum = 0;
            for (const auto& row : noise)
                for (double hz = from * 1.0125; hz < 2 * from; hz += 25) sum += power_at(row, hz);
            return sum;
        };
        const double middle = octave(400);
        CHECK(octave(800) / middle == doctest::Approx(1).epsilon(0.1));
        CHECK(octave(200) / middle == doctest::Approx(1).epsilon(0.1));
        CHECK(octave(3200) / middle < 0.02);  // beyond 3 kHz
    }
}

TEST_CASE("batch: the noise of each row is what the words of its draws say, through its band") {
    const Split split(20, 60);
    BatchSettings settings = with_band(80, 2500);
    settings.degradation.probability = 1;
    settings.degradation.coloured_sd = {0.2f, 3};
    settings.degradation.mains_sd = {0.1f, 0.4f};
    const auto noise = added(split, settings);
    for (std::uint32_t b = 0; b < 20; ++b) {
        const auto words = [&](std::uint32_t j) { return block(kState, Purpose::degradation_tones, b, j); };
        const Random4 first = words(0);
        const auto uniform = [](std::uint32_t word) { return static_cast<double>(to_uniform(word)); };
        const auto between = [&](float low, float high, std::uint32_t word) {
            return low * std::pow(static_cast<double>(high) / low, uniform(word));
        };
        const double coloured = between(0.2f, 3, first[0]) / std::sqrt(32.0),
                     mains = between(0.1f, 0.4f, first[1]) / std::sqrt(3.0);
        std::vector<double> expected(60);
        const auto tone = [&](double hz, double size, const Random4& w) {
            const NormalPair z = to_normal(w[0], w[1]);
            for (std::size_t t = 0; t < 60; ++t) {
                const double angle = 2 * kPi * hz * kDt * static_cast<double>(t);
                expected[t] +=
                    size * band_gain(hz, 80, 2500) * (z.first * std::cos(angle) + z.second * std::sin(angle));
            }
        };
        for (std::uint32_t k = 0; k < 32; ++k)
            tone(30 * std::pow(100, (k + uniform(words(1 + k)[2])) / 32), coloured, words(1 + k));
        for (std::uint32_t h = 0; h < 3; ++h)
            tone((2 * h + 1) * (uniform(first[2]) < 0.5 ? 50 : 60), mains, words(33 + h));
        for (std::size_t t = 0; t < 60; ++t)
            CHECK(noise[b][t] == doctest::Approx(expected[t]).epsilon(1e-9).scale(1));
    }
}

TEST_CASE("batch: the strength of the noise is spread evenly over its decibels") {
    const auto noise = added(Split(3000, 200), with_coloured_noise(0.1f, 10));
    std::vector<double> sizes;
    for (const auto& row : noise) sizes.push_back(rms(row));
    std::sort(sizes.begin(), sizes.end());
    for (const double share : {0.2, 0.35, 0.5, 0.65, 0.8}) {
        const double size = sizes[static_cast<std::size_t>(share * 3000)];
        CHECK(std::log10(size) == doctest::Approx(-1 + 2 * share).epsilon(0.1).scale(1));
    }
}

TEST_CASE("batch: mains hum is of 50 or of 60 Hz, with the third and fifth harmonic") {
    BatchSettings settings = plain_settings();
    settings.degradation.probability = 1;
    settings.degradation.mains_sd = {2, 2};
    const auto noise = added(Split(400, 1000), settings);  // 100 ms: whole periods of both
    int of_50 = 0;
    double power = 0;
    for (const auto& row : noise) {
        const double whole = rms(row) * rms(row);
        power += whole / 400;
        const auto lines = [&](double hz) {
            return (power_at(row, hz, false) + power_at(row, 3 * hz, false) + power_at(row, 5 * hz, false)) /
                   2;
        };
        const double fifty = lines(50) / whole, sixty = lines(60) / whole;
        CHECK(std::max(fifty, sixty) == doctest::Approx(1).epsilon(1e-4));
        CHECK(std::min(fifty, sixty) < 1e-4);
        of_50 += fifty > sixty;
    }
    CHECK(std::sqrt(power) == doctest::Approx(2).epsilon(0.06));
    CHECK(of_50 / 400.0 == doctest::Approx(0.5).epsilon(0.15));
}

TEST_CASE("batch: without a clean signal the target is another average of the same, each as often") {
    Split split(7, 25);
    split.alike_order = {2, 4, 0, 5, 1, 3, 6};
    split.alike_first = {0, 4, 0, 5, 0, 0, 6};
    split.alike_count = {4, 1, 4, 1, 4, 4, 1};
    BatchSettings settings = plain_settings();
    settings.degradation.noise_to_noise = true;
    settings.augmentation = {.probability = 1, .shift_samples = 2, .scale_low = 2, .scale_high = 2};
    const auto build_with = [&](const BatchSettings& s, BatchMode mode, std::int64_t step, bool with_clean) {
        return build(split, s, mode, {.seed = 42, .step = step, .epoch = 3}, {}, with_clean);
    };
    std::vector<std::vector<int>> drawn(7, std::vector<int>(7));
    for (std::int64_t step = 0; step < 600; ++step) {
        const auto built = build_with(settings, BatchMode::training, step, false);
        for (std::uint32_t b = 0; b < 7; ++b) {
            const StepState state{.seed = 42, .step = step, .epoch = 3};
            const Index n = expected_shift(state, b, 2);
            for (std::size_t r = 0; r < 7; ++r) {
                double largest = 0;
                for (Index t = 0; t < 25; ++t)
                    largest = std::max(
                        largest, std::abs(built.clean_uv(b, t) -
                                          2.0 * split.signal[r * 25 + static_cast<std::size_t>(
                                                                          std::clamp<Index>(t - n, 0, 24))]));
                drawn[b][r] += largest < 1e-10;
            }
        }
    }
    for (std::size_t b = 0; b < 7; ++b)
        for (std::size_t r = 0; r < 7; ++r) {
            const bool alike = split.alike_count[b] == 4 && split.alike_count[r] == 4;
            if (alike && b != r)
                CHECK(drawn[b][r] / 200.0 == doctest::Approx(1).epsilon(0.2));
            else
                CHECK(drawn[b][r] == (b == r && !alike ? 600 : 0));
        }
    // Not where there is a clean signal, not in validation, not where it is not asked for.
    const auto plain = build_with(plain_settings(), BatchMode::training, 1, true);
    settings.augmentation = {};
    CHECK(build_with(settings, BatchMode::training, 1, true).same_bits(plain));
    const auto own = build_with(plain_settings(), BatchMode::training, 1, false);
    CHECK(build_with(settings, BatchMode::validation, 1, false).same_bits(own));
    CHECK_FALSE(build_with(settings, BatchMode::training, 1, false).same_bits(own));
}

}  // namespace abr
