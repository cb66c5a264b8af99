// How a CSV file writes its cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/input/table_columns.hpp"

namespace abr {

struct CsvDialect {
    char separator = ',';
    char decimal = '.';
};

// The one of comma, semicolon, tab and `|` that is most frequent in the first line outside quotes; nothing
// where none is.
std::optional<char> detect_separator(std::string_view text);

// The decimal mark of the whole file: that of the first number with a decimal mark among the first rows'
// numeric cells, `.` where there is none. A comma is possible only with another separator. One mark holds for
// the file, so that a `.` between thousands is an error and never read as a decimal mark.
char detect_decimal_mark(std::string_view rows, char separator, const TableColumns& columns);

// Samples that look like whole numbers with a mark between thousands, which is read as the decimal mark:
// whatever has the mark has three digits behind it and one to three, not 0, before it, and numbers without it
// stay below 1000. Says "1.474 beside 624", or nothing. Looks at the first rows.
std::string grouped_digits(std::string_view rows, CsvDialect dialect, const TableColumns& columns);

}  // namespace abr
