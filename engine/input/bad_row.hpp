// A row that cannot be used: the reason, and the message that says where it stands and what to do.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/config/config.hpp"
#include "engine/input/table_columns.hpp"
#include "engine/input/table_message.hpp"

namespace abr {

// Reasons for which a row is rejected, as the data report names them.
inline constexpr std::string_view kWrongCellCount = "wrong_number_of_cells";
inline constexpr std::string_view kMalformedQuotes = "malformed_quotes";
inline constexpr std::string_view kMissingValue = "missing_value";
inline constexpr std::string_view kNotANumber = "not_a_number";
inline constexpr std::string_view kNotFinite = "not_finite";
inline constexpr std::string_view kSignalNotFinite = "signal_not_finite";
inline constexpr std::string_view kZeroVariance = "zero_variance_signal";
inline constexpr std::string_view kNegativeAge = "negative_age";
inline constexpr std::string_view kNegativeFmp = "negative_fmp";
inline constexpr std::string_view kSampleInterval = "sample_interval_not_positive";
inline constexpr std::string_view kUnknownEar = "unknown_ear";
inline constexpr std::string_view kIncompleteClean = "incomplete_clean_signal";

// Thrown by whatever finds a row unusable, caught by RowReader::read. The message is made only when it is needed.
struct BadRow {
    std::string_view reason;
    int column = 0;     // index
    std::string what;   // instead of the cell's value, if not empty
    std::string value;  // of the cell
    std::string expected;
};

// `bad(reason, k, expected)` makes the BadRow of sample k.
template <class Bad>
void check_signal(std::span<const float> signal, int column, const Bad& bad) {
    for (std::size_t k = 0; k < signal.size(); ++k)
        if (!std::isfinite(signal[k])) throw bad(kSignalNotFinite, k, "a finite number (uV)");
    const float first = signal.front();
    if (std::all_of(signal.begin(), signal.end(), [&](float sample) { return sample == first; })) {
        throw BadRow{kZeroVariance,
                     column,
                     fmt::format("all {} samples are {}", signal.size(), first),
                     {},
                     "a signal that varies"};
    }
}

template <class Bad>
void check_clean(std::span<const float> clean, const Bad& bad) {
    std::size_t present = 0, absent = 0;
    for (std::size_t k = 0; k < clean.size(); ++k) {
        if (std::isinf(clean[k])) throw bad(kNotFinite, k, "a finite number (uV)");
        if (std::isnan(clean[k]))
            absent = k;
        else
            ++present;
    }
    if (present != 0 && present != clean.size())
        throw bad(kIncompleteClean, absent, "every sample of the clean signal, or none");
}

// Of a row that begins in line `line`; the remedy depends on whether bad rows stop the run.
std::string bad_row_message(const BadRow&, const TableSource&, const TableColumns&, OnBadRow,
                            std::int64_t line);

}  // namespace abr
