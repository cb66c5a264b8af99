// Writes a table of recordings as the engine's own CSV layout.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "engine/named_column.hpp"
#include "engine/recordings.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {

// Columns: patient_id, ear, age_years, intensity_db, rate_hz, fmp, class, wave_v_latency_ms,
// wave_v_amplitude_uv, threshold_db, sample_interval_ms, s0 ... s{T-1}, c0 ... c{T-1}, then `extra` under
// their own names. class, latency, amplitude, threshold and c are left out where the table has no such
// column. Comma-separated, LF, UTF-8; a missing value is an empty cell; numbers are the shortest decimals
// that read back to the same float.
//
// `class_names[label]` is the text of class `label`. The file appears under `path` only when it is complete:
// it is written beside it under a temporary name, flushed to disk and renamed. Throws RunError, which names
// the path, when writing fails, and std::invalid_argument for columns of unequal length or a label without a
// name (a defect of the caller); neither leaves a temporary file.
void write_recordings_csv(const std::filesystem::path& path, const Recordings& recordings,
                          std::span<const std::string> class_names, cpu::Stream& stream,
                          std::span<const NamedColumn> extra = {});

}  // namespace abr
