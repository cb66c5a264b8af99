// A row of units below the header.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/config/config.hpp"
#include "engine/input/table_columns.hpp"
#include "engine/input/table_message.hpp"

namespace abr {

// Whether the first row below the header names units: every cell that should be a number is a unit or empty,
// and at least one is a unit. InputError where the unit of samples, latency or amplitude is another one than
// the configuration says.
bool is_units_row(const TableSource& source, std::int64_t line, std::span<const std::string_view> cells,
                  const TableColumns& columns, const DataConfig& config);

}  // namespace abr
