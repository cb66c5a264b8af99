// Which column of a CSV file holds which field of the data contract.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/config/config.hpp"

namespace abr {

enum class CsvField {
    patient_id,
    ear,
    age_years,
    intensity_db,
    rate_hz,
    fmp,
    class_name,
    wave_v_latency_ms,
    wave_v_amplitude_uv,
    threshold_db,
    sample_interval_ms,
};
inline constexpr std::size_t kCsvFields = 11;

struct CsvColumns {
    static constexpr int kAbsent = -1;

    std::vector<std::string> names;       // the header, one for each cell of a row
    std::array<int, kCsvFields> field{};  // column index or kAbsent
    std::vector<int> signal;              // of sample k
    std::vector<int> clean;               // of sample k; as many, or none
    std::vector<int> filter;              // of filter i

    int operator[](CsvField which) const { return field[static_cast<std::size_t>(which)]; }
    bool has(CsvField which) const { return (*this)[which] != kAbsent; }
    const std::string& name(int column) const { return names[static_cast<std::size_t>(column)]; }
};

// Finds every column that is read. Names are compared byte by byte, after spaces around them were removed and
// without Unicode normalisation. InputError: a required or mapped column, a filter's column or a sample is
// missing; a column that is read stands twice or is read as two things; clean and signal differ in length.
CsvColumns resolve_columns(const std::filesystem::path& path, std::vector<std::string> header,
                           const DataConfig& config);

}  // namespace abr
