// Messages about a place in a file of recordings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace abr {

// How a file holds its table: as lines of text with cells, or as arrays of numbers with rows.
enum class TableForm { text, arrays };

// A file, and how places in it are called.
struct TableSource {
    std::filesystem::path path;
    TableForm form = TableForm::text;
    std::int64_t header_line = 1;  // of text

    TableSource(std::filesystem::path file, TableForm table_form = TableForm::text,  // NOLINT: a path will do
                std::int64_t header = 1)
        : path(std::move(file)), form(table_form), header_line(header) {}
    // "FILE:LINE, column `NAME`", or "FILE: row ROW, array `NAME`"; without the line where it is 0.
    std::string place(std::int64_t line, std::string_view column) const;
};

// The value between backticks: control characters escaped, so that a file cannot write to the terminal,
// characters that show nothing as \u200B, and long values shortened.
std::string quoted_value(std::string_view value);

// "PLACE: value `...`: expected EXPECTED; REMEDY", or "no value" where it is empty.
std::string cell_message(const TableSource& source, std::int64_t line, std::string_view column,
                         std::string_view value, std::string_view expected, std::string_view remedy);

// "PLACE: WHAT: expected EXPECTED; REMEDY", where there is no single value to show.
std::string column_message(const TableSource& source, std::int64_t line, std::string_view column,
                           std::string_view what, std::string_view expected, std::string_view remedy);

// "FILE: WHAT: expected EXPECTED; REMEDY"
std::string file_message(const std::filesystem::path& path, std::string_view what, std::string_view expected,
                         std::string_view remedy);

}  // namespace abr
