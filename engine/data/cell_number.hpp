// Numbers and missing values in the cells of a CSV file.
#pragma once

#include <fast_float/fast_float.h>

#include <bit>
#include <cstddef>
#include <cstdint>
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

// The number at the start of [at, end) where it is what samples mostly are: a sign or none, at most 15 digits with
// one decimal mark among them or none, no exponent. Returns its end; null for everything else, which is left to
// parse_number.
//
// Digits and power of ten are exact in double, so their quotient is correctly rounded (Clinger 1990, "How to read
// floating point numbers accurately"). Rounding it once more to float is right unless it lies at, or next to, the
// middle between two floats; such numbers are left to parse_number too.
inline const char* parse_short_decimal(const char* at, const char* end, char decimal, float& value) {
    constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    constexpr std::uint64_t kDropped = (std::uint64_t{1} << 29) - 1;  // bits of a double that a float has not
    constexpr std::uint64_t kMiddle = std::uint64_t{1} << 28;
    const bool negative = at < end && *at == '-';
    if (negative) ++at;
    const char* const first = at;
    const char* mark = nullptr;
    std::uint64_t digits = 0;  // more than 19 wrap around, and are refused below
    for (; at < end; ++at) {
        const unsigned digit = static_cast<unsigned char>(*at) - unsigned{'0'};
        if (digit <= 9) {
            digits = 10 * digits + digit;
        } else if (*at == decimal && mark == nullptr) {
            mark = at;
        } else {
            break;
        }
    }
    const std::ptrdiff_t count = at - first - (mark != nullptr ? 1 : 0);
    const std::ptrdiff_t decimals = mark != nullptr ? at - mark - 1 : 0;
    if (count == 0 || count > 15 || (mark != nullptr && (decimals == 0 || mark == first))) return nullptr;
    if (at < end && (*at == 'e' || *at == 'E')) return nullptr;
    const double quotient = static_cast<double>(digits) / kPowers[decimals];
    if (((std::bit_cast<std::uint64_t>(quotient) & kDropped) - (kMiddle - 1)) <= 2) return nullptr;
    value = static_cast<float>(negative ? -quotient : quotient);
    return at;
}

}  // namespace abr
