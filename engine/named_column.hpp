// A column that stands beside a table of recordings.
#pragma once

#include <span>
#include <string_view>

namespace abr {

// One value a row; NaN = missing.
struct NamedColumn {
    std::string_view name;
    std::span<const float> values;
};

}  // namespace abr
