#include "engine/input/csv_dialect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "engine/input/cell_number.hpp"
#include "engine/input/csv_tokenizer.hpp"

namespace abr {
namespace {

constexpr std::array<char, 4> kSeparators = {',', ';', '\t', '|'};

// Rows looked at for a decimal mark; a recording has hundreds of decimal numbers.
constexpr int kRowsLookedAt = 1000;

// Numbers that must look grouped before it is more than chance.
constexpr std::int64_t kGroupedAtLeast = 5;

constexpr TableField kNumericFields[] = {TableField::age_years, TableField::intensity_db, TableField::rate_hz,
                                         TableField::fmp, TableField::sample_interval_ms};

bool is_number_with(std::string_view cell, char decimal) {
    double value = 0;
    return cell.find(decimal) != std::string_view::npos && parse_number(cell, decimal, value);
}

// The columns whose cells are numbers.
std::vector<int> numeric_columns(const TableColumns& columns) {
    std::vector<int> numeric;
    for (const TableField field : kNumericFields) {
        if (columns.has(field)) numeric.push_back(columns[field]);
    }
    for (const Component c : kScalars)
        if (columns.has(c)) numeric.push_back(columns.label[c]);
    numeric.insert(numeric.end(), columns.signal.begin(), columns.signal.end());
    numeric.insert(numeric.end(), columns.clean.begin(), columns.clean.end());
    return numeric;
}

// Visits the cells of the first rows in these columns until `visit` returns false.
template <class Visit>
void for_first_cells(std::string_view rows, char separator, const std::vector<int>& chosen,
                     const Visit& visit) {
    CsvTokenizer tokenizer(separator);
    const char* const end = rows.data() + rows.size();
    const char* at = rows.data();
    for (int row = 0; row < kRowsLookedAt && at < end; ++row) {
        at = tokenizer.read(at, end);
        const auto cells = tokenizer.cells();
        for (const int column : chosen)
            if (static_cast<std::size_t>(column) < cells.size() &&
                !visit(cells[static_cast<std::size_t>(column)]))
                return;
    }
}

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<char> detect_separator(std::string_view text) {
    std::array<std::int64_t, kSeparators.size()> counts{};
    bool quoted = false;
    for (const char c : text) {
        if (c == '\n' && !quoted) break;
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        for (std::size_t i = 0; i < kSeparators.size(); ++i) counts[i] += c == kSeparators[i];
    }
    const auto best = std::ranges::max_element(counts);
    if (*best == 0) return std::nullopt;
    return kSeparators[static_cast<std::size_t>(best - counts.begin())];
}

char detect_decimal_mark(std::string_view rows, char separator, const TableColumns& columns) {
    char mark = '.';
    if (separator == ',') return mark;
    for_first_cells(rows, separator, numeric_columns(columns), [&](std::string_view cell) {
        if (is_number_with(cell, ',')) mark = ',';
        return mark == '.' && !is_number_with(cell, '.');
    });
    return mark;
}

std::string grouped_digits(std::string_view rows, CsvDialect dialect, const TableColumns& columns) {
    std::int64_t grouped = 0, whole = 0;
    bool decimals = false;
    std::string example, beside;
    for_first_cells(rows, dialect.separator, columns.signal, [&](std::string_view cell) {
        if (cell.starts_with('-') || cell.starts_with('+')) cell.remove_prefix(1);
        const std::size_t mark = cell.find(dialect.decimal);
        const std::string_view before = cell.substr(0, mark);
        if (!is_digits(before)) return true;  // missing or wrong, which others tell
        const bool group = mark != std::string_view::npos;
        const bool could_be =
            before.size() <= 3 && (!group || (before.front() != '0' && is_digits(cell.substr(mark + 1)) &&
                                              cell.size() - mark - 1 == 3));
        decimals = !could_be;
        if (group && ++grouped == 1) example = cell;
        if (!group && ++whole == 1) beside = cell;
        return !decimals;
    });
    if (decimals || grouped < kGroupedAtLeast || 10 * whole < grouped) return {};
    return fmt::format("{} beside {}", example, beside);
}

}  // namespace abr
