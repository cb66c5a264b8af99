#include "engine/output/csv.hpp"

#include <fcntl.h>

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <vector>

namespace abr {
namespace {

template <class T>
std::string shortest(T value) {
    if (std::isnan(value)) return "nan";  // std::to_chars would also write "-nan"
    std::array<char, 32> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

// The cells of the record that begins at `position`, which then points behind its line end; false where the
// text ends inside the record.
bool next_record(std::string_view text, std::size_t& position, std::vector<std::string>& cells) {
    cells.assign(1, {});
    bool quoted = false;
    for (std::size_t i = position; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c != '"') {
                cells.back() += c;
            } else if (i + 1 < text.size() && text[i + 1] == '"') {
                cells.back() += text[++i];
            } else {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',') {
            cells.emplace_back();
        } else if (c == '\n') {
            position = i + 1;
            return true;
        } else {
            cells.back() += c;
        }
    }
    return false;
}

std::string read_if_there(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return {};
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw RunError("cannot read '" + path.string() + "'");
    return bytes;
}

// The kept part of a file, or the header alone where there is no whole line.
std::string kept_rows(const std::filesystem::path& path, const CsvRow& header, const KeepRow& keep) {
    const std::string bytes = read_if_there(path);
    std::string result = header.line() + '\n';
    std::size_t position = 0;
    std::vector<std::string> cells;
    if (!next_record(bytes, position, cells)) return result;
    if (std::string_view(bytes).substr(0, position) != result) {
        throw RunError("cannot go on with '" + path.string() +
                       "': its header is not the one of this run; move the file away or begin a new run");
    }
    for (std::size_t begin = position; next_record(bytes, position, cells); begin = position) {
        if (cells.size() != header.cells()) {
            throw RunError("cannot go on with '" + path.string() + "': the row at byte " +
                           std::to_string(begin) + " has " + std::to_string(cells.size()) + " cells, not " +
                           std::to_string(header.cells()) + "; move the file away or begin a new run");
        }
        if (keep(cells)) result.append(bytes, begin, position - begin);
    }
    return result;
}

OutputFile begin_file(const std::filesystem::path& path, const CsvRow& header, const KeepRow& keep) {
    write_file_atomically(path, keep ? kept_rows(path, header, keep) : header.line() + '\n');
    return OutputFile(path, O_WRONLY | O_APPEND);
}

void check_cells(std::size_t cells, std::size_t expected) {
    if (cells != expected) {
        throw std::logic_error("a CSV row of " + std::to_string(cells) + " cells in a table of " +
                               std::to_string(expected) + " columns");
    }
}

}  // namespace

std::string shortest_number(double value) {
    return shortest(value);
}
std::string shortest_number(float value) {
    return shortest(value);
}

CsvRow& CsvRow::raw(std::string_view cell) {
    if (cells_++ > 0) line_ += ',';
    line_ += cell;
    return *this;
}

CsvRow& CsvRow::text(std::string_view value) {
    if (value.find_first_of("\",\r\n") == std::string_view::npos) return raw(value);
    std::string quoted = "\"";
    for (const char c : value) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return raw(quoted += '"');
}

CsvRow& CsvRow::integer(std::int64_t value) {
    return raw(std::to_string(value));
}
CsvRow& CsvRow::number(double value) {
    return raw(shortest(value));
}
CsvRow& CsvRow::number(float value) {
    return raw(shortest(value));
}
CsvRow& CsvRow::number(const std::optional<double>& value) {
    return value ? number(*value) : empty();
}
CsvRow& CsvRow::number(const std::optional<float>& value) {
    return value ? number(*value) : empty();
}
CsvRow& CsvRow::flag(bool value) {
    return raw(value ? "1" : "0");
}
CsvRow& CsvRow::empty() {
    return raw("");
}

CsvRow csv_header(std::span<const std::string> columns) {
    CsvRow row;
    std::set<std::string_view> names;
    for (const std::string& column : columns) {
        if (!names.insert(column).second) {
            throw InputError(
                "the column '" + column +
                "' would stand twice in a table of the run; give the class after which it is named "
                "another name in data.classes");
        }
        row.text(column);
    }
    return row;
}

CsvTable::CsvTable(const CsvRow& header) : cells_(header.cells()), bytes_(header.line() + '\n') {}

void CsvTable::append(const CsvRow& row) {
    check_cells(row.cells(), cells_);
    bytes_ += row.line();
    bytes_ += '\n';
}

CsvWriter::CsvWriter(const std::filesystem::path& path, const CsvRow& header, const KeepRow& keep)
    : cells_(header.cells()), file_(begin_file(path, header, keep)) {}

void CsvWriter::append(const CsvRow& row) {
    check_cells(row.cells(), cells_);
    const std::int64_t size = file_.size();
    try {
        file_.write(row.line() + '\n');
    } catch (const RunError&) {
        file_.truncate(size);
        throw;
    }
}

}  // namespace abr
