// Writing CSV: RFC 4180 quoting, '.' decimals, "\n" line ends, numbers in the shortest form that reads back
// the same, `nan`, `inf` and `-inf` where a value is that, an empty cell for "not measured".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/output/file.hpp"

namespace abr {

std::string shortest_number(double value);
std::string shortest_number(float value);

// One line, built cell by cell.
class CsvRow {
  public:
    CsvRow& text(std::string_view value);
    CsvRow& integer(std::int64_t value);
    CsvRow& number(double value);
    CsvRow& number(float value);
    CsvRow& number(const std::optional<double>& value);
    CsvRow& number(const std::optional<float>& value);
    CsvRow& flag(bool value);  // 1 or 0
    CsvRow& empty();

    std::size_t cells() const { return cells_; }
    const std::string& line() const { return line_; }  // without the line end

  private:
    CsvRow& raw(std::string_view cell);

    std::string line_;
    std::size_t cells_ = 0;
};

// Throws InputError where a name stands twice, which only names from outside (classes) can bring about.
CsvRow csv_header(std::span<const std::string> columns);

// A whole table in memory, for files that are replaced at once.
class CsvTable {
  public:
    explicit CsvTable(const CsvRow& header);
    void append(
        const CsvRow& row);  // throws std::logic_error if the number of cells differs from the header's
    const std::string& bytes() const { return bytes_; }

  private:
    std::size_t cells_;
    std::string bytes_;
};

// Whether a row of an existing file stays; its cells are unquoted.
using KeepRow = std::function<bool(std::span<const std::string> cells)>;

// A file that grows by whole rows.
class CsvWriter {
  public:
    // Without `keep`, creates the file anew with its header. With it, goes on with the file that is there:
    // rows that are not to be kept and an incomplete last line are cut off first; a file that is missing or
    // holds no whole line is begun anew. Throws RunError on the system's errors and where the file that is
    // there has another header or a broken row.
    CsvWriter(const std::filesystem::path& path, const CsvRow& header, const KeepRow& keep = nullptr);

    // Writes the row at once and whole: where the disk is full, what was written of it is taken back. Throws
    // RunError on the system's errors, std::logic_error on a wrong number of cells.
    void append(const CsvRow& row);
    // What was appended is on the disk afterwards.
    void flush() { file_.sync(); }

  private:
    std::size_t cells_;
    OutputFile file_;
};

}  // namespace abr
