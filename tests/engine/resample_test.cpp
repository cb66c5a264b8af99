#include "engine/input/resample.hpp"

#include <doctest/doctest.h>

#include <cmath>

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
