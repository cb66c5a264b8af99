#include "engine/input/csv_dialect.hpp"

#include <array>
#include <vector>

#include "engine/error.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

constexpr std::array<char, 3> kSeparators = {',', ';', '\t'};

// Rows looked at for a decimal mark; a recording has hundreds of decimal numbers.
constexpr int kRowsLookedAt = 1000;

constexpr TableField kNumericFields[] = {TableField::age_years, TableField::intensity_db, TableField::rate_hz,
                                         TableField::fmp, TableField::sample_interval_ms};

bool is_number_with(std::string_view cell, char decimal) {
    double value = 0;
    return cell.find(decimal) != std::string_view::npos && parse_number(cell, decimal, value);
}

}  // namespace

char detect_separator(const std::filesystem::path& path, std::string_view text) {
    std::array<std::int64_t, kSeparators.size()> counts{};
    bool quoted = false;
    for (const char c : text) {
        if (c == '\n' && !quoted) break;
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        for (std::size_t i = 0; i < kSeparators.size(); ++i) counts[i] += c == kSeparators[i];
    }
    std::size_t best = 0;
    for (std::size_t i = 1; i < counts.size(); ++i) {
        if (counts[i] > counts[best]) best = i;
    }
    if (counts[best] == 0) {
        throw InputError(file_message(path, "the first line is no header of columns",
                                      "column names separated by comma, semicolon or tab",
                                      "save the data as CSV with a header line"));
    }
    return kSeparators[best];
}

char detect_decimal_mark(std::string_view rows, char separator, const TableColumns& columns) {
    if (separator == ',') return '.';
    std::vector<int> numeric;
    for (const TableField field : kNumericFields) {
        if (columns.has(field)) numeric.push_back(columns[field]);
    }
    for (const Component c : kScalars)
        if (columns.has(c)) numeric.push_back(columns.label[c]);
    numeric.insert(numeric.end(), columns.signal.begin(), columns.signal.end());
    numeric.insert(numeric.end(), columns.clean.begin(), columns.clean.end());

    CsvTokenizer tokenizer(separator);
    const char* const end = rows.data() + rows.size();
    const char* at = rows.data();
    for (int row = 0; row < kRowsLookedAt && at < end; ++row) {
        at = tokenizer.read(at, end);
        if (tokenizer.cells().size() != columns.names.size()) continue;
        for (const int column : numeric) {
            const std::string_view cell = tokenizer.cells()[static_cast<std::size_t>(column)];
            if (is_number_with(cell, ',')) return ',';
            if (is_number_with(cell, '.')) return '.';
        }
    }
    return '.';
}

}  // namespace abr
