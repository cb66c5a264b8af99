// The data report as tables that a person reads.
#pragma once

#include <string>

#include "engine/data/report.hpp"

namespace abr {

// Rows read, filtered, rejected, used; the rejected ones by reason with their first lines and the first message.
std::string rows_text(const ReadReport&);
// The extent of every column.
std::string ranges_text(const ReadReport&);
// Recordings and patients, classes by splits.
std::string classes_text(const DataReport&);
// Which loss components the data can train, with the labelled rows of each split.
std::string components_text(const DataReport&);

}  // namespace abr
