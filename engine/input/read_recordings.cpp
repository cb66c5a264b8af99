#include "engine/input/read_recordings.hpp"

#include <algorithm>
#include <cmath>

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

Recordings read_recordings(const DataConfig& config, int threads, ReadReport& report) {
    Recordings recordings = config.source == DataSource::npz ? read_npz_recordings(config, report)
                                                             : read_csv_recordings(config, threads, report);
    report.ranges = value_ranges(recordings);
    return recordings;
}

}  // namespace abr
