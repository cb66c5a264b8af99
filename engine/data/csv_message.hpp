// Messages about a place in a CSV file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace abr {

// The value between backticks: control characters escaped, so that a file cannot write to the terminal, and
// long values shortened.
std::string quoted_value(std::string_view value);

// "FILE:LINE, column NAME: value `...`: expected EXPECTED; REMEDY"
std::string cell_message(const std::filesystem::path& path, std::int64_t line, std::string_view column,
                         std::string_view value, std::string_view expected, std::string_view remedy);

// "FILE:LINE, column NAME: WHAT: expected EXPECTED; REMEDY", where there is no single value to show.
std::string column_message(const std::filesystem::path& path, std::int64_t line, std::string_view column,
                           std::string_view what, std::string_view expected, std::string_view remedy);

// "FILE: WHAT: expected EXPECTED; REMEDY"
std::string file_message(const std::filesystem::path& path, std::string_view what, std::string_view expected,
                         std::string_view remedy);

}  // namespace abr
