// The table of recordings in host memory, whatever it was read from. Units as in the CSV contract; NaN =
// missing.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kernels/components.hpp"

namespace abr {

inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

struct Recordings {
    std::int64_t rows = 0;
    std::int64_t length = 0;  // samples, T
    double sample_interval_ms = 0;
    double first_sample_ms = 0;  // time of sample 0 after the stimulus
    bool has_clean = false;

    std::vector<std::int64_t> source_row;   // 1-based data row in the file (without the header), or 1…rows
    std::vector<std::int64_t> source_line;  // 1-based line of the file (row of arrays); empty without a file
    std::vector<std::int32_t> patient;      // index into patients
    std::vector<std::string> patients;      // identifiers, in order of first appearance
    std::vector<std::int8_t> ear;           // 0 left, 1 right, -1 missing
    std::vector<float> age_years;           // NaN = missing
    std::vector<float> intensity_db;        // dB nHL
    std::vector<float> rate_hz;             // NaN = missing
    std::vector<float> fmp;                 // NaN = missing
    std::vector<std::int32_t> label;        // class index, -1 = missing
    PerComponent<std::vector<float>> scalar;  // labels of scalar tasks, NaN = missing
    std::vector<float> signal;                // (rows, length) uV
    std::vector<float> clean;  // (rows, length) uV, empty if !has_clean; a row is whole or all NaN

    PerComponent<bool> has_column;  // of labels, for the tasks that have one of their own (has_label_column)

    // Time after the stimulus at which the recordings end.
    double end_ms() const { return first_sample_ms + static_cast<double>(length) * sample_interval_ms; }

    // Where a row stands in its source.
    std::int64_t line_of(std::size_t row) const {
        return source_line.empty() ? source_row[row] : source_line[row];
    }

    // Whether the table could label the task: existence is labelled by the column of the latency.
    bool can_label(Component c) const {
        return task_of(c).label_column.empty() || has_column[task_of(c).labelled_by];
    }
};

}  // namespace abr
