// Writing JSON: two spaces of indentation, members in the order in which they were added, null for NaN and
// Inf.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "metrics/metric.hpp"

namespace abr {

using Json = nlohmann::ordered_json;

Json to_json_value(const Metric& metric);  // null where there is no value
// Atomic (engine/output/file.hpp); bytes that are no UTF-8 are replaced by U+FFFD.
void write_json(const std::filesystem::path& path, const Json& document);

}  // namespace abr
