// One averaged response as a device's file holds it, whatever the layout.
//
// How import works: a layout (layout.hpp; one .cpp and .hpp each, one line in the table of layouts.cpp) knows a file by
// its first bytes and yields averages. Everything after that is common to all layouts and stands in import.cpp: half
// buffers, the window relative to the stimulus, resampling, labels from a side table (labels.hpp), repetitions. The
// result is an ImportedTable, written as NPZ or CSV (imported_table.hpp) and told (import_report.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/input/resample.hpp"

namespace abr {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Average {
    std::vector<float> samples;                // uV
    std::array<std::vector<float>, 2> halves;  // half buffers, as long as samples, or both empty
    double first_ms = 0;                       // of the first sample, relative to the stimulus
    double interval_ms = 0;

    // What the file says; NaN, -1 or empty where it does not.
    std::string patient;   // its identifier of the subject
    std::string record;    // its name or number of this average
    std::string channel;   // where it tells several apart
    std::string stimulus;  // "click", "tone", or its own name of the stimulus
    std::string polarity;  // in its own words
    std::int8_t ear = -1;  // 0 left, 1 right
    double level_db = kUnknown;
    double frequency_hz = kUnknown;  // 0 for a click
    double rate_hz = kUnknown;       // stimuli a second
    double sweeps = kUnknown;        // averaged
    double rejected = kUnknown;      // sweeps rejected as artifacts
    // Other columns of the result and this average's cells, which replace those above where they are of one name.
    std::vector<std::pair<std::string, std::string>> others;

    std::int64_t line = 0;  // where it begins in a text file, 0 elsewhere: for messages
};

}  // namespace abr
