#include "engine/input/read_recordings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"
#include "engine/input/csv_reader.hpp"
#include "engine/input/npz_reader.hpp"

namespace abr {
namespace {

ValueRange range_of(const std::vector<float>& values) {
    ValueRange range;
    auto minimum = std::numeric_limits<float>::infinity();
    float maximum = -minimum;
    for (const float value : values) {
        if (std::isnan(value)) {
            ++range.missing;
            continue;
        }
        minimum = std::min(minimum, value);
        maximum = std::max(maximum, value);
    }
    range.values = static_cast<std::int64_t>(values.size()) - range.missing;
    if (range.values > 0) {
        range.minimum = minimum;
        range.maximum = maximum;
    }
    return range;
}

}  // namespace

std::map<std::string, ValueRange> value_ranges(const Recordings& recordings) {
    std::map<std::string, ValueRange> ranges = {
        {"age_years", range_of(recordings.age_years)}, {"intensity_db", range_of(recordings.intensity_db)},
        {"rate_hz", range_of(recordings.rate_hz)},     {"fmp", range_of(recordings.fmp)},
        {"signal", range_of(recordings.signal)},
    };
    for (const Component c : kScalars)
        ranges[std::string(task_of(c).label_column)] = range_of(recordings.scalar[c]);
    if (recordings.has_clean) ranges["clean"] = range_of(recordings.clean);
    return ranges;
}

namespace {

void scale(std::vector<float>& values, double factor) {
    if (factor == 1) return;
    for (float& value : values) value = static_cast<float>(value * factor);
}

double microvolts(VoltageUnit unit) {
    constexpr double kFactors[] = {1e6, 1e3, 1, 1e-3};
    return kFactors[static_cast<std::size_t>(unit)];
}

double milliseconds(TimeUnit unit) {
    constexpr double kFactors[] = {1e3, 1, 1e-3};
    return kFactors[static_cast<std::size_t>(unit)];
}

// Keeps the samples whose times lie in [from, to), those of the file's own clock forgiven a thousandth of an
// interval.
void cut(Recordings& recordings, const DataConfig& config) {
    const auto [from, to] = *config.window_ms;
    const double dt = recordings.sample_interval_ms, first = recordings.first_sample_ms;
    const auto sample_from = [&](double time) {
        return static_cast<std::int64_t>(std::ceil((time - first) / dt - 1e-3));
    };
    const std::int64_t begin = sample_from(from), end = sample_from(to);
    if (begin < 0 || end > recordings.length || end - begin < 2)
        throw InputError(
            fmt::format("{}: data.window_ms = [{}, {}]: expected a part of the recordings, which hold {:.6g} "
                        "to {:.6g} ms after the "
                        "stimulus (data.first_sample_ms = {}); choose times within",
                        config.path.string(), from, to, first, recordings.end_ms(), config.first_sample_ms));
    const auto keep = [&](std::vector<float>& samples) {
        if (samples.empty()) return;
        std::size_t to_place = 0;
        for (std::int64_t r = 0; r < recordings.rows; ++r)
            for (std::int64_t k = begin; k < end; ++k)
                samples[to_place++] = samples[static_cast<std::size_t>(r * recordings.length + k)];
        samples.resize(to_place);
        samples.shrink_to_fit();
    };
    keep(recordings.signal);
    keep(recordings.clean);
    recordings.length = end - begin;
    recordings.first_sample_ms = first + static_cast<double>(begin) * dt;
}

}  // namespace

Recordings read_recordings(const DataConfig& config, int threads, ReadReport& report) {
    Recordings recordings = config.source == DataSource::npz ? read_npz_recordings(config, report)
                                                             : read_csv_recordings(config, threads, report);
    for (std::vector<float>* samples : {&recordings.signal, &recordings.clean})
        scale(*samples, microvolts(config.signal_unit));
    scale(recordings.scalar[Component::peak_amplitude], microvolts(config.amplitude_unit));
    scale(recordings.scalar[Component::peak_latency], milliseconds(config.latency_unit));
    recordings.first_sample_ms = config.first_sample_ms;
    if (config.window_ms) cut(recordings, config);
    report.ranges = value_ranges(recordings);
    return recordings;
}

}  // namespace abr
