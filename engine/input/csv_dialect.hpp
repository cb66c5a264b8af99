// How a CSV file writes its cells.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "engine/input/table_columns.hpp"

namespace abr {

struct CsvDialect {
    char separator = ',';
    char decimal = '.';
};

// The one of comma, semicolon and tab that is most frequent in the header outside quotes. InputError where
// none is.
char detect_separator(const std::filesystem::path& path, std::string_view text);

// The decimal mark of the whole file: that of the first number with a decimal mark among the first rows'
// numeric cells, `.` where there is none. A comma is possible only with another separator. One mark holds for
// the file, so that a `.` between thousands is an error and never read as a decimal mark.
char detect_decimal_mark(std::string_view rows, char separator, const TableColumns& columns);

}  // namespace abr
