#include "engine/data/patient_names.hpp"

#include <algorithm>
#include <unordered_map>

#include "engine/input/plain_text.hpp"

namespace abr {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t digits_from(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - at;
}

// "12.0" and "12,00" are "12".
std::string_view without_zero_decimals(std::string_view text) {
    const std::size_t last = text.find_last_not_of('0');
    const bool is_decimal = last != std::string_view::npos && last + 1 < text.size() && last > 0 &&
                            (text[last] == '.' || text[last] == ',') && is_digit(text[last - 1]);
    return is_decimal ? text.substr(0, last) : text;
}

}  // namespace

std::string patient_key(std::string_view identifier) {
    const std::string text = folded(identifier);
    const std::string_view rest = without_zero_decimals(text);
    std::string key;
    for (std::size_t i = 0; i < rest.size();) {
        const std::size_t digits = digits_from(rest, i);
        if (digits == 0) {
            key += rest[i++];
            continue;
        }
        // Behind a decimal mark zeros count.
        const bool is_decimal = i >= 2 && (rest[i - 1] == '.' || rest[i - 1] == ',') && is_digit(rest[i - 2]);
        std::size_t zeros = 0;
        while (!is_decimal && zeros + 1 < digits && rest[i + zeros] == '0') ++zeros;
        key += rest.substr(i + zeros, digits - zeros);
        i += digits;
    }
    return key;
}

std::vector<std::int32_t> first_alike(std::span<const std::string> patients) {
    std::unordered_map<std::string, std::int32_t> first;
    std::vector<std::int32_t> result;
    result.reserve(patients.size());
    for (const std::string& patient : patients)
        result.push_back(
            first.try_emplace(patient_key(patient), static_cast<std::int32_t>(result.size())).first->second);
    return result;
}

bool is_exponent(std::string_view identifier) {
    std::size_t at = digits_from(identifier, 0);
    if (at == 0) return false;
    if (at < identifier.size() && (identifier[at] == '.' || identifier[at] == ','))
        at += 1 + digits_from(identifier, at + 1);
    if (at + 2 > identifier.size() || (identifier[at] != 'E' && identifier[at] != 'e')) return false;
    if (identifier[at + 1] != '+' && identifier[at + 1] != '-') return false;
    const std::size_t exponent = digits_from(identifier, at + 2);
    return exponent > 0 && at + 2 + exponent == identifier.size();
}

bool is_nobody(std::string_view identifier) {
    static constexpr std::string_view kWords[] = {
        "nan",    "na",  "n/a", "null", "none",    "unknown",   "?",       "-",         "anonymous",
        "anonim", "yok", "nil", "tbd",  "unnamed", "unbekannt", "inconnu", "bilinmiyor"};
    return std::ranges::find(kWords, folded(identifier)) != std::end(kWords);
}

}  // namespace abr
