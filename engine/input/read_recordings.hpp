// Reading recordings from a file into the table of engine/recordings.hpp, and the account of what was read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/input/suspicion.hpp"
#include "engine/recordings.hpp"

namespace abr {

// Rows that were left out for one reason.
struct Rejection {
    std::int64_t count = 0;
    std::vector<std::int64_t>
        lines;  // the first kRejectionLines of them, ascending, 1-based lines of the file, or rows of NPZ
    std::string first;  // the message of the first of them
};
inline constexpr std::size_t kRejectionLines = 20;

// Extent of one field over the rows used.
struct ValueRange {
    std::int64_t values = 0;  // not missing
    std::int64_t missing = 0;
    double minimum = kMissing;  // NaN without values
    double maximum = kMissing;
};

// read = filtered + sum of the rejections + used.
struct ReadReport {
    std::int64_t read = 0;  // data rows of the file
    std::int64_t filtered = 0;
    std::int64_t used = 0;
    std::map<std::string, Rejection> rejected;  // by reason
    // Lines and rows that are no data, by kind: lines_before_header, unit_rows, skipped_rows, blank_rows
    // (separators alone), repeated_headers.
    std::map<std::string, std::int64_t> skipped;
    std::vector<Suspicion>
        suspicions;  // what looks wrong in the file; engine/data/suspicions.hpp adds the table's
    std::map<std::string, ValueRange> ranges;  // by the data contract's column name; `signal`, `clean` as one
};

// Extents of every numeric field of the table that was read.
std::map<std::string, ValueRange> value_ranges(const Recordings& recordings);

// Reads the file of config.data as its settings say. `threads` = 0: one for each core this process may use;
// the result is the same for any number. InputError for whatever is wrong with the file: the message names
// file, line, column, value, what was expected and the remedy. The source must be csv or npz.
Recordings read_recordings(const DataConfig& config, int threads, ReadReport& report);

}  // namespace abr
