#include "engine/records/run_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "engine/error.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/csv_dialect.hpp"
#include "engine/input/csv_tokenizer.hpp"

namespace abr {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// A comma can be a decimal mark only where it does not separate cells.
bool parse_cell(std::string_view cell, char separator, double& value) {
    return parse_number(cell, '.', value) || (separator != ',' && parse_number(cell, ',', value));
}

// Where the record at `begin` ends, its line end included; null where the text ends before.
const char* whole_record(const char* begin, const char* end, char separator) {
    CsvState state = CsvState::cell_start;
    const char* at = find_record_end(begin, end, separator, state);
    return at > begin && at[-1] == '\n' && state == CsvState::cell_start ? at : nullptr;
}

}  // namespace

RunTable::RunTable(std::filesystem::path path, Growth growth, std::vector<std::string> text_columns)
    : path_(std::move(path)), growth_(growth), text_columns_(std::move(text_columns)) {}

void RunTable::restart() {
    columns_.clear();
    rows_ = 0;
    line_ = 0;
    offset_ = 0;
    problem_.clear();
    half_written_ = false;
}

void RunTable::refresh() {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_, error);
    exists_ = !error;
    if (!exists_) return restart();
    const auto changed = std::filesystem::last_write_time(path_, error);
    if (size == offset_ && changed == changed_) return;
    if (growth_ == Growth::replaced || size < offset_ || !problem_.empty()) restart();
    changed_ = changed;

    std::ifstream file(path_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset_));
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file.good() && !file.eof()) {
        problem_ = name() + " cannot be read";
        return;
    }
    read(bytes);
}

void RunTable::read(std::string_view bytes) {
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    if (offset_ == 0 && bytes.starts_with(kByteOrderMark)) at += kByteOrderMark.size();
    if (columns_.empty()) {
        const auto separator = detect_separator({at, static_cast<std::size_t>(end - at)});
        if (!separator) {
            problem_ = name() + (bytes.empty() ? " is empty" : " has no header line of columns");
            return;
        }
        separator_ = *separator;
    }
    CsvTokenizer tokenizer(separator_);
    while (const char* next = at < end ? whole_record(at, end, separator_) : nullptr) {
        tokenizer.read(at, next);
        ++line_;
        if (!tokenizer.is_blank())
            columns_.empty() ? read_header(tokenizer.cells()) : read_row(tokenizer.cells());
        line_ += tokenizer.line_ends() - 1;
        at = next;
        if (!problem_.empty()) return;
    }
    offset_ += static_cast<std::uintmax_t>(at - bytes.data());
    half_written_ = at < end;
    if (columns_.empty()) problem_ = name() + " has no whole line yet";
}

void RunTable::read_header(std::span<const std::string_view> cells) {
    for (const std::string_view cell : cells) {
        Column column;
        column.name = cell;
        column.is_text = std::ranges::find(text_columns_, cell) != text_columns_.end();
        columns_.push_back(std::move(column));
    }
}

void RunTable::read_row(std::span<const std::string_view> cells) {
    if (cells.size() != columns_.size()) {
        problem_ = fmt::format("{} line {} has {} cells, the header {}", name(), line_, cells.size(),
                               columns_.size());
        return;
    }
    for (std::size_t c = 0; c < cells.size(); ++c) {
        Column& column = columns_[c];
        double value = 0;
        if (column.is_text) {
            column.texts.emplace_back(cells[c]);
        } else if (parse_cell(cells[c], separator_, value)) {
            column.numbers.emplace_back(value);
        } else {
            column.numbers.emplace_back(std::nullopt);
            if (!cells[c].empty() && column.problem.empty()) {
                column.problem = fmt::format("{} line {}, column {}: {} is no number", name(), line_,
                                             column.name, quoted_value(cells[c]));
            }
        }
    }
    ++rows_;
}

void RunTable::require() const {
    if (!exists_) throw NotJudged(name() + " is missing");
    if (!problem_.empty()) throw NotJudged(problem_);
}

const RunTable::Column* RunTable::find(std::string_view column) const {
    const auto found = std::ranges::find(columns_, column, &Column::name);
    return found == columns_.end() ? nullptr : &*found;
}

const RunTable::Column& RunTable::column(std::string_view wanted) const {
    require();
    const Column* column = find(wanted);
    if (!column) throw NotJudged(fmt::format("column {} missing in {}", wanted, name()));
    if (!column->problem.empty()) throw NotJudged(column->problem);
    return *column;
}

std::vector<std::string> RunTable::columns() const {
    std::vector<std::string> names;
    for (const Column& column : columns_) names.push_back(column.name);
    return names;
}

std::span<const std::optional<double>> RunTable::numbers(std::string_view name) const {
    return column(name).numbers;
}

std::span<const std::string> RunTable::texts(std::string_view name) const {
    return column(name).texts;
}

}  // namespace abr
