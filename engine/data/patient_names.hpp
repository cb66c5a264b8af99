// Identifiers of patients as people and spreadsheets write them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace abr {

// What is left of an identifier that a spreadsheet or a hasty hand may have changed: lower case, no spaces at
// its ends, no invisible characters, no zeros before a whole number, no `.0` or `,0` behind one. Equal for
// `0007` and `7`, for `P07 ` and `p7`, for `12` and `12.0`.
std::string patient_key(std::string_view identifier);

// For each patient the first one whose identifier has the same key: itself where it is the only one.
std::vector<std::int32_t> first_alike(std::span<const std::string> patients);

// A number in the form that a spreadsheet gives long ones, 1.23456E+13: digits are lost, patients may be one.
bool is_exponent(std::string_view identifier);

// A word for nobody in particular, as nan, unknown or n/a.
bool is_nobody(std::string_view identifier);

}  // namespace abr
