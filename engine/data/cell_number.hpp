// Numbers and missing values in the cells of a CSV file.
#pragma once

#include <fast_float/fast_float.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// Eight characters as a little-endian word in which a digit is its value, 0 to 9.
inline std::uint64_t load_digits(const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word ^ 0x3030303030303030U;
}

// How many of the eight are digits before the first that is none. Adding 0x76 takes 10 and more to the high bit; what
// it carries reaches only characters after one that is no digit.
inline int count_digits(std::uint64_t word) {
    return std::countr_zero(((word + 0x7676767676767676U) | word) & 0x8080808080808080U) / 8;
}

// The number that the first `count` digits make: pairs, then fours, then all eight, each in one step for the whole word.
inline std::uint64_t digits_value(std::uint64_t word, int count) {
    const int half = 32 - 4 * count;  // twice, because a shift by 64 is undefined
    word = word << half << half;
    word = 10 * word + (word >> 8);
    constexpr std::uint64_t kPairs = 0x000000FF000000FFU;
    constexpr std::uint64_t kFirst = 100 + (std::uint64_t{1000000} << 32);
    constexpr std::uint64_t kSecond = 1 + (std::uint64_t{10000} << 32);
    return ((word & kPairs) * kFirst + (word >> 16 & kPairs) * kSecond) >> 32;
}

// Characters that parse_short_decimal may look at.
inline constexpr std::ptrdiff_t kShortDecimalRoom = 32;

// The number at the start of [at, end) where it is what samples mostly are: a sign or none, up to 7 digits, a decimal
// mark with up to 15 digits behind or none, at most 2^53 without the mark; no exponent. Returns its end; null for
// everything else and for the last kShortDecimalRoom characters, which are left to parse_number.
//
// Digits and power of ten are exact in double, so their quotient is correctly rounded (Clinger 1990, "How to read
// floating point numbers accurately"). Rounding it once more to float is right unless it lies at, or next to, the
// middle between two floats; such numbers are left to parse_number too.
inline const char* parse_short_decimal(const char* at, const char* end, char decimal, float& value) {
    constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    constexpr std::uint64_t kWholePowers[] = {1,
                                              10,
                                              100,
                                              1000,
                                              10000,
                                              100000,
                                              1000000,
                                              10000000,
                                              100000000,
                                              1000000000,
                                              10000000000,
                                              100000000000,
                                              1000000000000,
                                              10000000000000,
                                              100000000000000,
                                              1000000000000000};
    constexpr std::uint64_t kDropped = (std::uint64_t{1} << 29) - 1;  // bits of a double that a float has not
    constexpr std::uint64_t kMiddle = std::uint64_t{1} << 28;
    if (end - at < kShortDecimalRoom) return nullptr;
    const bool negative = *at == '-';
    at += negative ? 1 : 0;

    std::uint64_t digits = static_cast<unsigned char>(*at) - std::uint64_t{'0'};
    int count = 1;
    if (digits > 9 || at[1] != decimal) {  // else the one digit that most samples have before the mark
        const std::uint64_t word = load_digits(at);
        count = count_digits(word);
        if (count == 0 || count == 8) return nullptr;
        digits = digits_value(word, count);
    }
    at += count;
    int decimals = 0;
    if (*at == decimal) {
        ++at;
        std::uint64_t word = load_digits(at);
        decimals = count_digits(word);
        std::uint64_t fraction = digits_value(word, decimals);
        if (decimals == 8) {
            word = load_digits(at + 8);
            const int more = count_digits(word);
            if (more == 8) return nullptr;
            fraction = fraction * kWholePowers[more] + digits_value(word, more);
            decimals += more;
        }
        if (decimals == 0 || count + decimals > 19) return nullptr;
        digits = digits * kWholePowers[decimals] + fraction;
        at += decimals;
    }
    if (*at == 'e' || *at == 'E' || digits > std::uint64_t{1} << 53) return nullptr;
    const double quotient = static_cast<double>(static_cast<std::int64_t>(digits)) / kPowers[decimals];
    if (((std::bit_cast<std::uint64_t>(quotient) & kDropped) - (kMiddle - 1)) <= 2) return nullptr;
    value = static_cast<float>(negative ? -quotient : quotient);
    return at;
}

}  // namespace abr
