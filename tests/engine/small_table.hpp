// A small table of recordings for tests of splitting and statistics.
#pragma once

#include <string>

#include "engine/recordings.hpp"

namespace abr {

inline constexpr std::int64_t kSmallLength = 8;  // samples

// An empty table that has every column but clean signals; 0.5 ms a sample, so that the window is 4 ms.
inline Recordings empty_table() {
    Recordings table;
    table.length = kSmallLength;
    table.sample_interval_ms = 0.5;
    table.has_column[Component::classification] = table.has_column[Component::peak_latency] = true;
    table.has_column[Component::peak_amplitude] = table.has_column[Component::threshold] = true;
    return table;
}

// Appends a row; its signal is a ramp whose mean and sd differ from row to row. The caller sets what matters.
inline void add_row(Recordings& table, const std::string& patient, std::int32_t label) {
    std::int32_t index = 0;
    while (index < static_cast<std::int32_t>(table.patients.size()) &&
           table.patients[static_cast<std::size_t>(index)] != patient)
        ++index;
    if (index == static_cast<std::int32_t>(table.patients.size())) table.patients.push_back(patient);
    const auto row = static_cast<float>(table.rows++);
    table.source_row.push_back(table.rows);
    table.patient.push_back(index);
    table.ear.push_back(-1);
    table.age_years.push_back(row);
    table.intensity_db.push_back(10 * static_cast<float>(table.rows % 10));
    table.rate_hz.push_back(33.3f);
    table.fmp.push_back(1 + row / 10);
    table.label.push_back(label);
    for (const Component c : kScalars) table.scalar[c].push_back(kMissing);
    table.scalar[Component::peak_latency].back() = 1 + 0.01f * row;
    table.scalar[Component::peak_amplitude].back() = 0.1f + 0.01f * row;
    table.scalar[Component::threshold].back() = 20 + row;
    for (std::int64_t k = 0; k < table.length; ++k)
        table.signal.push_back(0.01f * row + (0.1f + 0.001f * row) * static_cast<float>(k));
}

// `patients` patients of each of `classes` classes, patient p with p % 5 + 1 recordings.
inline Recordings balanced_table(int patients, int classes) {
    Recordings table = empty_table();
    for (int c = 0; c < classes; ++c)
        for (int p = 0; p < patients; ++p)
            for (int r = 0; r <= p % 5; ++r)
                add_row(table, "c" + std::to_string(c) + "p" + std::to_string(p), c);
    return table;
}

}  // namespace abr
