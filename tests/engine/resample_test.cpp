#include "engine/input/resample.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/error.hpp"
#include "tests/engine/small_table.hpp"

using namespace abr;

namespace {

// One recording of a function of time (ms), with NaN as its clean signal where asked for.
template <class Function>
Recordings sampled(std::int64_t length, double interval, const Function& function) {
    Recordings table;
    table.rows = 1;
    table.length = length;
    table.sample_interval_ms = interval;
    for (std::int64_t k = 0; k < length; ++k)
        table.signal.push_back(static_cast<float>(function((static_cast<double>(k) + 0.5) * interval)));
    return table;
}

}  // namespace

TEST_CASE("resample: a straight line stays the line on a finer and a coarser grid") {
    const auto line = [](double t) { return 3 + 0.25 * t; };
    const Recordings table = sampled(200, 0.1, line);
    for (const double interval : {0.04, 0.1, 0.25, 0.4}) {
        CAPTURE(interval);
        const auto length = static_cast<std::int64_t>(std::floor(20 / interval + 1e-9));
        const Recordings converted = resampled(table, interval, length);
        CHECK(converted.length == length);
        CHECK(converted.sample_interval_ms == interval);
        REQUIRE(converted.signal.size() == static_cast<std::size_t>(length));
        // Between the old samples the triangle is exact only where one interval is a multiple of the other. At the ends it reaches beyond the recording.
        const auto margin = static_cast<std::int64_t>(std::ceil(std::max(0.1, interval) / interval));
        for (std::int64_t k = margin; k < length - margin; ++k)
            CHECK(converted.signal[static_cast<std::size_t>(k)] ==
                  doctest::Approx(line((static_cast<double>(k) + 0.5) * interval)).epsilon(2e-4));
    }
}

TEST_CASE("resample: the same grid changes no bit, a shorter one cuts the end off") {
    const Recordings table = sampled(50, 0.1, [](double t) { return std::sin(t * t); });
    CHECK(resampled(table, 0.1, 50).signal == table.signal);
    const Recordings shorter = resampled(table, 0.1, 30);
    CHECK(std::equal(shorter.signal.begin(), shorter.signal.end(), table.signal.begin()));
}

TEST_CASE("resample: to a coarser grid what oscillates faster than it can hold is averaged away") {
    const Recordings table = sampled(400, 0.05, [](double t) { return std::cos(2 * M_PI * t / 0.1); });
    for (const float sample : resampled(table, 0.4, 50).signal) CHECK(std::abs(sample) < 0.05f);
}

TEST_CASE("resample: clean signals go along, missing ones stay missing, nothing is invented behind the end") {
    Recordings table = sampled(100, 0.1, [](double t) { return t; });
    table.has_clean = true;
    table.clean = std::vector<float>(100, kMissing);
    for (const float sample : resampled(table, 0.2, 50).clean) CHECK(std::isnan(sample));
    table.clean = table.signal;
    const Recordings both = resampled(table, 0.2, 50);
    CHECK(both.clean == both.signal);
    CHECK_NOTHROW(resampled(table, 0.201, 50));
    CHECK_THROWS_AS(resampled(table, 0.21, 50), InputError);
}

namespace {

// sin(2 pi f t) at the times, f in kHz.
std::vector<float> sine(double frequency, const SampleTimes& times) {
    std::vector<float> samples;
    for (std::int64_t k = 0; k < times.length; ++k)
        samples.push_back(static_cast<float>(std::sin(2 * M_PI * frequency * times[k])));
    return samples;
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b, std::size_t margin = 0) {
    REQUIRE(a.size() == b.size());
    float largest = 0;
    for (std::size_t k = margin; k + margin < a.size(); ++k)
        largest = std::max(largest, std::abs(a[k] - b[k]));
    return largest;
}

}  // namespace

TEST_CASE("band-limited: what a coarser grid can hold keeps its size and place, what it cannot is gone") {
    const SampleTimes old{-5, 0.05, 600}, coarse{0.05, 0.1, 200};  // from -5 to 25 ms; 0 to 20 ms at 10 kHz
    const BandLimitedResampler resampler(old, coarse);
    for (const double kilohertz : {0.1, 0.5, 1.0, 2.0, 3.0, 3.4})
        CHECK(largest_difference(resampler(sine(kilohertz, old)), sine(kilohertz, coarse)) < 1e-3f);
    for (const double kilohertz : {5.0, 5.3, 6.0, 7.0, 9.0, 9.9}) {  // 9 kHz would come back as 1 kHz
        const std::vector<float> nothing(200, 0.0f);
        CHECK(largest_difference(resampler(sine(kilohertz, old)), nothing) < 1e-3f);
    }
    const std::vector<float> constant(600, 2.5f);
    for (const float sample : resampler(constant)) CHECK(sample == doctest::Approx(2.5));
}

TEST_CASE("band-limited: to a finer or a shifted grid what lies between the samples is found") {
    const SampleTimes old{-5, 0.1, 300};
    for (const SampleTimes& wanted :
         {SampleTimes{0.025, 0.05, 400}, SampleTimes{0.05, 0.1, 200}, SampleTimes{0.01, 0.04096, 400}})
        for (const double kilohertz : {0.3, 1.0, 3.0})
            CHECK(largest_difference(BandLimitedResampler(old, wanted)(sine(kilohertz, old)),
                                     sine(kilohertz, wanted)) < 1e-3f);
}

TEST_CASE("band-limited: the samples of the same grid are copied, none is made up outside it") {
    const SampleTimes old{-26.45, 0.05, 1024};
    std::vector<float> samples;
    for (std::int64_t k = 0; k < old.length; ++k) samples.push_back(static_cast<float>(k % 7) * 0.1f);
    const std::vector<float> cut = BandLimitedResampler(old, {0, 0.05, 400})(samples);
    CHECK(std::equal(cut.begin(), cut.end(), samples.begin() + 529));
    CHECK_NOTHROW(BandLimitedResampler(old, {-26.475, 0.1, 10}));
    CHECK_THROWS_AS(BandLimitedResampler(old, {-26.48, 0.1, 10}), InputError);
    CHECK_NOTHROW(BandLimitedResampler(old, {0.025, 0.05, 495}));
    CHECK_THROWS_AS(BandLimitedResampler(old, {0.03, 0.05, 495}), InputError);
}
