// Which column of a CSV file, or which array of an NPZ file, holds which field of the data contract, and
// which label.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/input/suspicion.hpp"
#include "engine/input/table_message.hpp"

namespace abr {

enum class TableField {
    patient_id,
    ear,
    age_years,
    intensity_db,
    rate_hz,
    fmp,
    sample_interval_ms,
};
inline constexpr std::size_t kTableFields = 7;

struct TableColumns {
    static constexpr int kAbsent = -1;

    std::vector<std::string> names;         // the header, one for each cell of a row; or the arrays' names
    std::array<int, kTableFields> field{};  // column index or kAbsent
    PerComponent<int> label;                // of the tasks that have a column of their own, else kAbsent
    std::vector<int> signal;                // of sample k; or the one array of all samples
    std::vector<int> clean;                 // likewise; as many, or none
    std::vector<int> filter;                // of filter i
    std::vector<int> missing_in;            // of entry i of data.missing_in
    std::vector<Suspicion> hints;           // columns that are not read although their names are nearly ours

    int operator[](TableField which) const { return field[static_cast<std::size_t>(which)]; }
    bool has(TableField which) const { return (*this)[which] != kAbsent; }
    bool has(Component which) const { return label[which] != kAbsent; }
    // Whether the column holds a sample (or all).
    bool is_sample(int column) const {
        const auto within = [&](const std::vector<int>& samples) {
            return std::ranges::find(samples, column) != samples.end();
        };
        return within(signal) || within(clean);
    }
    const std::string& name(int column) const { return names[static_cast<std::size_t>(column)]; }
};

// Finds every column that is read. Names are compared byte by byte, after spaces around them were removed and
// without Unicode normalisation. InputError: a required or mapped column, a filter's column or a sample is
// missing; a column that is read stands twice or is read as two things; clean and signal differ in length. An
// optional column of an empty name is absent.
TableColumns resolve_columns(const TableSource&, std::vector<std::string> names, const DataConfig& config);

}  // namespace abr
