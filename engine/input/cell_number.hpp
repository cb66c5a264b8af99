// Numbers and missing values in the cells of a CSV file.
#pragma once

#include <fast_float/fast_float.h>

#include <cstddef>
#include <string_view>
#include <system_error>

namespace abr {

// Whether two texts are the same but for the case of ASCII letters; `lower` is written in lower case.
inline bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
    }
    return true;
}

// Empty, NA or NaN, as optional cells are when nothing was measured.
inline bool is_missing(std::string_view cell) {
    return cell.empty() || equals_ignoring_case(cell, "na") || equals_ignoring_case(cell, "nan");
}

// The whole cell as a number, rounded correctly to the type asked for: an optional sign, digits, `decimal` as
// the decimal mark, an exponent; also nan and inf. What is too small becomes 0, what is too large infinite.
// False: not a number; `value` is then unspecified.
template <class Real>
bool parse_number(std::string_view cell, char decimal, Real& value) {
    const char* first = cell.data();
    const char* last = first + cell.size();
    if (cell.size() > 1 && *first == '+' && first[1] != '-') ++first;
    const auto [end, error] = fast_float::from_chars_advanced(
        first, last, value, fast_float::parse_options(fast_float::chars_format::general, decimal));
    return end == last && (error == std::errc() || error == std::errc::result_out_of_range);
}

}  // namespace abr
