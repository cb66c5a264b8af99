#include "engine/data/unit_warnings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "engine/data/statistics.hpp"

namespace abr {
namespace {

// A median below `below` or above `above` looks like `unit`.
struct Suspicion {
    double below, above;
    std::string_view unit, remedy;
};

// Median of what is not missing; NaN without values.
double median(std::vector<double> values) {
    std::erase_if(values, [](double v) { return std::isnan(v); });
    if (values.empty()) return kMissing;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

double median_size(const std::vector<float>& values) {
    std::vector<double> sizes;
    for (const float value : values) sizes.push_back(std::abs(double{value}));
    return median(std::move(sizes));
}

std::vector<double> signal_sds(const Recordings& recordings) {
    std::vector<double> sds;
    const auto length = static_cast<std::size_t>(recordings.length);
    for (std::size_t r = 0; r < static_cast<std::size_t>(recordings.rows); ++r)
        sds.push_back(signal_moments(std::span(recordings.signal).subspan(r * length, length)).sd);
    return sds;
}

class Warnings {
  public:
    // The first suspicion that the value confirms.
    void check(std::string_view what, double value, std::string_view usual,
               std::initializer_list<Suspicion> suspicions) {
        for (const Suspicion& s : suspicions) {
            if (!(value < s.below || value > s.above)) continue;
            texts.push_back(fmt::format("{} is {:.3g}, usual is {}: this looks like {}; {}", what, value,
                                        usual, s.unit, s.remedy));
            return;
        }
    }
    std::vector<std::string> texts;
};

constexpr double kNever = HUGE_VAL;

}  // namespace

std::vector<std::string> unit_warnings(const Recordings& recordings) {
    Warnings warnings;
    const std::vector<double> sds = signal_sds(recordings);
    const auto standardised =
        std::count_if(sds.begin(), sds.end(), [](double sd) { return std::abs(sd - 1) < 0.01; });
    if (10 * standardised > 9 * recordings.rows) {
        warnings.texts.push_back(
            "signal: nearly every recording has a standard deviation of 1: this looks like z-scored signals, "
            "whose "
            "amplitude is lost; supply them in uV");
    }
    warnings.check("signal: the median standard deviation of a recording", median(sds), "0.01 to 10 uV",
                   {{1e-5, kNever, "V", "multiply the samples by 1e6"},
                    {2e-3, kNever, "mV", "multiply the samples by 1000"},
                    {0, 20, "nV, or unaveraged EEG", "divide nV by 1000"}});
    warnings.check("wave_v_amplitude_uv: the median size",
                   median_size(recordings.scalar[Component::peak_amplitude]), "0.05 to 1 uV",
                   {{1e-5, kNever, "V", "multiply by 1e6"},
                    {1e-3, kNever, "mV", "multiply by 1000"},
                    {0, 10, "nV", "divide by 1000"}});
    warnings.check("wave_v_latency_ms: the median", median_size(recordings.scalar[Component::peak_latency]),
                   "5 to 12 ms", {{0.1, kNever, "s", "multiply by 1000"}, {0, 100, "us", "divide by 1000"}});
    const auto oldest = std::max_element(
        recordings.age_years.begin(), recordings.age_years.end(),
        [](float a, float b) { return (std::isnan(a) ? -1 : a) < (std::isnan(b) ? -1 : b); });
    if (oldest != recordings.age_years.end()) {
        warnings.check("age_years: the highest", double{*oldest}, "0 to 110 years",
                       {{0, 2000, "days", "divide by 365.25"}, {0, 120, "months", "divide by 12"}});
    }
    warnings.check("sample_interval_ms: the end of the recordings in ms",
                   static_cast<double>(recordings.length) * recordings.sample_interval_ms, "5 to 50 ms",
                   {{1, kNever, "an interval in s", "multiply by 1000"},
                    {0, 500, "an interval in us", "divide by 1000"}});
    return std::move(warnings.texts);
}

}  // namespace abr
