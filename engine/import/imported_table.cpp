#include "engine/import/imported_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "engine/formats/npz_writer.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/output/csv.hpp"
#include "engine/output/file.hpp"

namespace abr {
namespace {

// The cells as numbers, NaN where missing; nothing where one is no number.
std::optional<std::vector<float>> numbers_of(const ImportedColumn& column) {
    if (column.is_text) return std::nullopt;
    std::vector<float> numbers;
    for (const std::string& cell : column.cells) {
        float value = std::numeric_limits<float>::quiet_NaN();
        if (!is_missing(cell) && !parse_number(cell, '.', value)) return std::nullopt;
        numbers.push_back(value);
    }
    return numbers;
}

void write_npz(OutputFile& file, const ImportedTable& table) {
    NpzWriter npz(file);
    for (const ImportedColumn& column : table.columns) {
        if (column.is_empty()) continue;
        if (const auto numbers = numbers_of(column))
            npz.add(column.name, *numbers);
        else
            npz.add(column.name, column.cells);
    }
    npz.add("first_sample_ms", table.first_sample_ms);
    npz.add("sample_interval_ms", table.sample_interval_ms);
    npz.add("signal", table.signal);
    npz.finish();
}

void write_csv(OutputFile& file, const ImportedTable& table) {
    std::vector<const ImportedColumn*> columns;
    CsvRow header;
    for (const ImportedColumn& column : table.columns) {
        if (column.is_empty()) continue;
        columns.push_back(&column);
        header.text(column.name);
    }
    header.text("first_sample_ms").text("sample_interval_ms");
    for (std::int64_t k = 0; k < table.length; ++k) header.text(fmt::format("s{}", k));
    file.write(header.line() + '\n');
    for (std::size_t r = 0; r < table.rows(); ++r) {
        CsvRow row;
        for (const ImportedColumn* column : columns) row.text(column->cells[r]);
        row.number(table.first_sample_ms).number(table.sample_interval_ms);
        for (const float sample : table.signal[r]) row.number(sample);
        file.write(row.line() + '\n');
    }
}

}  // namespace

bool ImportedColumn::is_empty() const {
    return std::ranges::all_of(cells, [](const std::string& cell) { return cell.empty(); });
}

ImportedColumn* ImportedTable::find(std::string_view name) {
    const auto at = std::ranges::find(columns, name, &ImportedColumn::name);
    return at == columns.end() ? nullptr : &*at;
}

const ImportedColumn* ImportedTable::find(std::string_view name) const {
    const auto at = std::ranges::find(columns, name, &ImportedColumn::name);
    return at == columns.end() ? nullptr : &*at;
}

void write_imported_table(const std::filesystem::path& path, const ImportedTable& table) {
    replace_file_atomically(path, [&](OutputFile& file) {
        path.extension() == ".npz" ? write_npz(file, table) : write_csv(file, table);
    });
}

}  // namespace abr
