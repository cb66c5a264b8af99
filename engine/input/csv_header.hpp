// Where the table of a CSV file begins.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/input/csv_file.hpp"

namespace abr {

struct CsvHeader {
    char separator = ',';
    std::vector<std::string> names;
    std::int64_t line = 1;  // of the file, 1-based, in which it stands
    std::string_view rows;  // the text after it
    std::int64_t rows_line = 0;
};

// The header in line `line`; with 0 the first record of a hundred that has all of `wanted`, and where none
// has, the first one, so that what it lacks is told of it. The separator is what a first line `sep=X` says,
// else the one of comma, semicolon, tab and `|` that is most frequent in the header outside quotes.
// InputError where the line has no such separator, is not there or is no text.
CsvHeader find_csv_header(const CsvFile& file, std::int64_t line, std::span<const std::string> wanted);

}  // namespace abr
