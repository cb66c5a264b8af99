// The recordings that import writes: one row each, in the data contract's columns and whatever else the files say.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace abr {

// A field of all rows as text; empty = missing. Numbers are texts until they are written: labels replace any of them.
struct ImportedColumn {
    std::string name;
    bool is_text = false;  // written as text also where every cell is a number, as identifiers are
    std::vector<std::string> cells;

    bool is_empty() const;
};

struct ImportedTable {
    std::vector<ImportedColumn> columns;
    std::vector<std::vector<float>> signal;  // uV, each `length` long
    std::int64_t length = 0;
    double sample_interval_ms = 0;
    double first_sample_ms = 0;  // after the stimulus

    std::size_t rows() const { return signal.size(); }
    ImportedColumn* find(std::string_view name);
    const ImportedColumn* find(std::string_view name) const;
};

// Writes the table for data.source = "npz" where the path ends in .npz, and as CSV in the engine's own layout
// otherwise: the columns that have a value, sample_interval_ms, and the samples as `signal`, or s0 ... s{T-1}. A column
// is written as numbers where every cell is a number or missing. Replaced atomically; FileError.
void write_imported_table(const std::filesystem::path&, const ImportedTable&);

}  // namespace abr
