// Suspicions about the units of a table.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "engine/data/suspicions.hpp"

namespace abr {
namespace {

// A median below `below` or above `above` looks like `unit`.
struct Limit {
    double below, above;
    std::string_view unit, remedy;
};

// Median of what is neither missing nor 0, which often means missing; NaN without values.
double median(std::vector<double> values) {
    std::erase_if(values, [](double v) { return std::isnan(v) || v == 0; });
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

class Warnings {
  public:
    // The first limit that the value passes.
    void check(std::string column, std::string_view what, double value, std::string_view usual,
               std::initializer_list<Limit> limits) {
        for (const Limit& limit : limits) {
            if (!(value < limit.below || value > limit.above)) continue;
            add(std::move(column),
                fmt::format("{} is {:.3g}, usual is {}: this looks like {}", what, value, usual, limit.unit),
                std::string(limit.remedy));
            return;
        }
    }
    void add(std::string column, std::string what, std::string remedy) {
        found.push_back({"unit", std::move(column), 1, std::move(what), std::move(remedy), {}});
    }
    Suspicions found;
};

constexpr double kNever = HUGE_VAL;

}  // namespace

// The limits are wide: a scalp ABR has a standard deviation of some 0.01 to 10 uV and ends 5 to 50 ms after
// the stimulus, wave V comes after some 5 to 12 ms, and nobody is 120 years old.
void judge_units(const JudgedTable& table, Suspicions& suspicions) {
    Warnings warnings;
    const Recordings& recordings = table.recordings;
    const ColumnNames& names = table.config.columns;
    std::vector<double> sds;
    for (const SignalSummary& signal : table.signals) sds.push_back(signal.sd);
    const auto standardised =
        std::count_if(sds.begin(), sds.end(), [](double sd) { return std::abs(sd - 1) < 0.01; });
    if (10 * standardised > 9 * recordings.rows) {
        warnings.add(
            "signal",
            "nearly every recording has a standard deviation of 1: this looks like z-scored signals, whose "
            "amplitude is lost",
            "supply them in uV");
    }
    warnings.check("signal", "the median standard deviation of a recording", median(std::move(sds)),
                   "0.01 to 10 uV",
                   {{1e-5, kNever, "V", "set data.signal_unit = \"V\""},
                    {2e-3, kNever, "mV", "set data.signal_unit = \"mV\""},
                    {0, 20, "nV, or unaveraged EEG", "for nV set data.signal_unit = \"nV\""}});
    warnings.check(names.label[Component::peak_amplitude], "the median size",
                   median_size(recordings.scalar[Component::peak_amplitude]), "0.05 to 1 uV",
                   {{1e-5, kNever, "V", "set data.amplitude_unit = \"V\""},
                    {1e-3, kNever, "mV", "set data.amplitude_unit = \"mV\""},
                    {0, 10, "nV", "set data.amplitude_unit = \"nV\""}});
    warnings.check(names.label[Component::peak_latency], "the median",
                   median_size(recordings.scalar[Component::peak_latency]), "5 to 12 ms",
                   {{0.1, kNever, "s", "set data.latency_unit = \"s\""},
                    {0, 100, "us", "set data.latency_unit = \"us\""}});
    const auto oldest = std::max_element(
        recordings.age_years.begin(), recordings.age_years.end(),
        [](float a, float b) { return (std::isnan(a) ? -1 : a) < (std::isnan(b) ? -1 : b); });
    if (oldest != recordings.age_years.end()) {
        warnings.check(names.age_years, "the highest", double{*oldest}, "0 to 110 years",
                       {{0, 2000, "days", "divide by 365.25"}, {0, 120, "months", "divide by 12"}});
    }
    warnings.check("sample_interval_ms", "the end of the recordings in ms", recordings.end_ms(), "5 to 50 ms",
                   {{1, kNever, "an interval in s", "multiply by 1000"},
                    {0, 500, "an interval in us", "divide by 1000"}});
    suspicions.insert(suspicions.end(), warnings.found.begin(), warnings.found.end());
}

}  // namespace abr
