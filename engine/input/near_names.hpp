// Columns whose names are nearly ours.
#pragma once

#include <string_view>

namespace abr {

// Whether a person may have meant our name `ours` by `theirs`: the same words in other letters, spaces or
// brackets, with or without the unit at the end, or a slip of one or two letters in a long name.
bool is_near(std::string_view theirs, std::string_view ours);

}  // namespace abr
