// Plain decimal numbers in cells that stand side by side, as samples are written.
#pragma once

#include <cstddef>

namespace abr {

// Reads the cells that end at ends[0], ends[1], …, each after the separator that ends the one before it, the first from
// `begin` on, as floats rounded correctly. Returns how many it read: all, or as far as the first that is not a sign or
// none and then at most 16 characters, digits with at most one `decimal` among them, no exponent; or that it cannot
// round for certain; or that ends less than 16 characters behind `readable`. parse_number reads those.
std::size_t read_decimals(const char* readable, const char* begin, const char* const* ends, std::size_t count,
                          char decimal, float* values);

}  // namespace abr
