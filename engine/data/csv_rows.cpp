#include "engine/data/csv_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "engine/data/csv_message.hpp"
#include "engine/data/csv_number.hpp"
#include "engine/error.hpp"

namespace abr {
namespace {

// Reasons for which a row is rejected, as the data report names them.
constexpr std::string_view kWrongCellCount = "wrong_number_of_cells";
constexpr std::string_view kMalformedQuotes = "malformed_quotes";
constexpr std::string_view kMissingValue = "missing_value";
constexpr std::string_view kNotANumber = "not_a_number";
constexpr std::string_view kNotFinite = "not_finite";
constexpr std::string_view kSignalNotFinite = "signal_not_finite";
constexpr std::string_view kZeroVariance = "zero_variance_signal";
constexpr std::string_view kNegativeLatency = "negative_latency";
constexpr std::string_view kNegativeFmp = "negative_fmp";
constexpr std::string_view kSampleInterval = "sample_interval_not_positive";
constexpr std::string_view kUnknownEar = "unknown_ear";
constexpr std::string_view kIncompleteClean = "incomplete_clean_signal";

std::string_view cell_of(std::span<const std::string_view> cells, int column) {
    return cells[static_cast<std::size_t>(column)];
}

// Combining accents (U+0300 to U+036F) show that a text is decomposed, as macOS writes it.
bool has_combining_accent(std::string_view text) {
    return text.find_first_of("\xCC\xCD") != std::string_view::npos;
}

bool matches(std::string_view cell, char decimal, const FilterValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return cell == *text;
    double number = 0;
    return parse_number(cell, decimal, number) && number == std::get<double>(value);
}

}  // namespace

// Thrown by whatever finds a row unusable, caught in read(). The message is made only when it is needed.
struct CsvRowReader::BadRow {
    std::string_view reason;
    int column = 0;     // index
    std::string what;   // instead of the cell's value, if not empty
    std::string value;  // of the cell
    std::string expected;
};

struct CsvRowReader::NumericColumn {
    CsvField field;
    std::vector<float> Recordings::*target;
    bool required = false;
    std::string_view reason_if_negative;  // empty: negative values are legal
};

struct CsvRowReader::Values {
    static constexpr std::array<NumericColumn, 7> kColumns = {{
        {CsvField::age_years, &Recordings::age_years, false, {}},
        {CsvField::intensity_db, &Recordings::intensity_db, true, {}},
        {CsvField::rate_hz, &Recordings::rate_hz, false, {}},
        {CsvField::fmp, &Recordings::fmp, false, kNegativeFmp},
        {CsvField::wave_v_latency_ms, &Recordings::wave_v_latency_ms, false, kNegativeLatency},
        {CsvField::wave_v_amplitude_uv, &Recordings::wave_v_amplitude_uv, false, {}},
        {CsvField::threshold_db, &Recordings::threshold_db, false, {}},
    }};

    std::string_view patient;
    std::int8_t ear = -1;
    std::int32_t label = -1;
    std::array<float, kColumns.size()> numbers{};
    double sample_interval_ms = 0;
};

CsvRowReader::CsvRowReader(const std::filesystem::path& path, const CsvColumns& columns, CsvDialect dialect,
                           const DataConfig& config)
    : path_(path), columns_(columns), dialect_(dialect), config_(config) {
    for (std::size_t i = 0; i < config.classes.size(); ++i) {
        classes_.emplace(config.classes[i], static_cast<std::int32_t>(i));
    }
    for (const auto& [name, aliases] : config.class_aliases) {
        const std::int32_t label = classes_.at(name);  // the configuration knows aliases of its classes only
        for (const std::string& alias : aliases) classes_.emplace(alias, label);
    }
}

void CsvRowReader::read(const CsvTokenizer& record, std::int64_t line, CsvBlock& block) const {
    Recordings& recordings = block.recordings;
    const std::size_t signal_size = recordings.signal.size();
    const std::size_t clean_size = recordings.clean.size();
    const Cells cells = record.cells();
    ++block.read;
    try {
        if (!passes_filters(cells)) {
            ++block.filtered;
            return;
        }
        const int last = static_cast<int>(std::min(cells.size(), columns_.names.size())) - 1;
        if (record.malformed()) {
            throw BadRow{kMalformedQuotes,
                         last,
                         "text follows a closing quote",
                         {},
                         "the separator after it, and quotes within a cell doubled"};
        }
        if (cells.size() != columns_.names.size()) {
            throw BadRow{kWrongCellCount,
                         last,
                         fmt::format("the row has {} cells", cells.size()),
                         {},
                         fmt::format("{} as in the header", columns_.names.size())};
        }
        Values values;
        read_values(cells, line, values);
        read_signals(cells, recordings);

        const auto [patient, is_new] = block.patient_index.try_emplace(
            std::string(values.patient), static_cast<std::int32_t>(recordings.patients.size()));
        if (is_new) recordings.patients.push_back(patient->first);
        recordings.patient.push_back(patient->second);
        recordings.source_row.push_back(block.read);
        recordings.ear.push_back(values.ear);
        recordings.label.push_back(values.label);
        for (std::size_t i = 0; i < values.numbers.size(); ++i) {
            (recordings.*Values::kColumns[i].target).push_back(values.numbers[i]);
        }
        if (columns_.has(CsvField::sample_interval_ms))
            block.sample_interval_ms.push_back(values.sample_interval_ms);
        block.lines.push_back(line);
        ++recordings.rows;
    } catch (const BadRow& bad) {
        recordings.signal.resize(signal_size);
        recordings.clean.resize(clean_size);
        reject(bad, line, block);
    }
}

bool CsvRowReader::passes_filters(Cells cells) const {
    for (std::size_t i = 0; i < config_.filters.size(); ++i) {
        const RowFilter& filter = config_.filters[i];
        const int column = columns_.filter[i];
        if (static_cast<std::size_t>(column) >= cells.size()) {
            throw BadRow{kWrongCellCount,
                         column,
                         fmt::format("the row has {} cells", cells.size()),
                         {},
                         fmt::format("{} as in the header", columns_.names.size())};
        }
        const std::string_view cell = cell_of(cells, column);
        const auto equals = [&](const FilterValue& value) { return matches(cell, dialect_.decimal, value); };
        bool passes = false;
        switch (filter.operation) {
            case FilterOperation::equals:
            case FilterOperation::one_of:
                passes = std::any_of(filter.values.begin(), filter.values.end(), equals);
                break;
            case FilterOperation::not_equal:
                passes = std::none_of(filter.values.begin(), filter.values.end(), equals);
                break;
            case FilterOperation::less_than:
            case FilterOperation::greater_than:
            case FilterOperation::at_least:
            case FilterOperation::at_most: {
                if (is_missing(cell)) break;  // not known to be within the bound
                const double number = read_number<double>(cells, column);
                const double bound = std::get<double>(filter.values.front());
                passes = filter.operation == FilterOperation::less_than      ? number < bound
                         : filter.operation == FilterOperation::greater_than ? number > bound
                         : filter.operation == FilterOperation::at_least     ? number >= bound
                                                                             : number <= bound;
                break;
            }
        }
        if (!passes) return false;
    }
    return true;
}

void CsvRowReader::read_values(Cells cells, std::int64_t line, Values& values) const {
    const int patient = columns_[CsvField::patient_id];
    values.patient = cell_of(cells, patient);
    if (values.patient.empty()) {
        throw BadRow{kMissingValue, patient, {}, {}, "the patient's identifier"};
    }
    if (columns_.has(CsvField::ear)) values.ear = read_ear(cells);
    for (std::size_t i = 0; i < values.numbers.size(); ++i) {
        const NumericColumn& column = Values::kColumns[i];
        values.numbers[i] = column.required ? read_number<float>(cells, columns_[column.field])
                                            : read_optional(cells, column);
    }
    if (columns_.has(CsvField::sample_interval_ms)) {
        const int column = columns_[CsvField::sample_interval_ms];
        values.sample_interval_ms = read_number<double>(cells, column);
        if (values.sample_interval_ms <= 0) {
            throw BadRow{
                kSampleInterval, column, {}, std::string(cell_of(cells, column)), "a time above 0 (ms)"};
        }
    }
    if (columns_.has(CsvField::class_name)) values.label = read_class(cells, line);
}

void CsvRowReader::read_signals(Cells cells, Recordings& recordings) const {
    const std::size_t length = columns_.signal.size();
    std::size_t at = recordings.signal.size();
    recordings.signal.resize(at + length);
    float minimum = HUGE_VALF;
    float maximum = -HUGE_VALF;
    for (const int column : columns_.signal) {
        const std::string_view cell = cell_of(cells, column);
        float value = 0;
        if (!parse_number(cell, dialect_.decimal, value)) value = read_number<float>(cells, column);
        if (!std::isfinite(value)) {
            throw BadRow{kSignalNotFinite, column, {}, std::string(cell), "a finite number (uV)"};
        }
        minimum = std::min(minimum, value);
        maximum = std::max(maximum, value);
        recordings.signal[at++] = value;
    }
    if (minimum == maximum) {
        const int column = columns_.signal.front();
        throw BadRow{kZeroVariance,
                     column,
                     fmt::format("all {} samples are {}", length, minimum),
                     {},
                     "a signal that varies"};
    }

    if (columns_.clean.empty()) return;
    at = recordings.clean.size();
    recordings.clean.resize(at + length);
    int absent = CsvColumns::kAbsent;  // a column with a missing sample
    std::size_t present = 0;
    for (const int column : columns_.clean) {
        const std::string_view cell = cell_of(cells, column);
        float value = kMissing;
        if (is_missing(cell)) {
            absent = column;
        } else {
            value = read_number<float>(cells, column);
            ++present;
        }
        recordings.clean[at++] = value;
    }
    if (present != 0 && present != length) {
        throw BadRow{kIncompleteClean,
                     absent,
                     {},
                     std::string(cell_of(cells, absent)),
                     "every sample of the clean signal, or none"};
    }
}

float CsvRowReader::read_optional(Cells cells, const NumericColumn& column) const {
    if (!columns_.has(column.field)) return kMissing;
    const int index = columns_[column.field];
    if (is_missing(cell_of(cells, index))) return kMissing;
    const auto value = read_number<float>(cells, index);
    if (value < 0 && !column.reason_if_negative.empty()) {
        throw BadRow{
            column.reason_if_negative, index, {}, std::string(cell_of(cells, index)), "a value of 0 or more"};
    }
    return value;
}

template <class Real>
Real CsvRowReader::read_number(Cells cells, int column) const {
    const std::string_view cell = cell_of(cells, column);
    Real value = 0;
    if (is_missing(cell)) throw BadRow{kMissingValue, column, {}, std::string(cell), "a number"};
    if (!parse_number(cell, dialect_.decimal, value)) {
        throw BadRow{kNotANumber,
                     column,
                     {},
                     std::string(cell),
                     dialect_.decimal == ',' ? "a number, with a decimal comma as in the rest of the file"
                                             : "a number, with a decimal point"};
    }
    if (!std::isfinite(value)) throw BadRow{kNotFinite, column, {}, std::string(cell), "a finite number"};
    return value;
}

std::int8_t CsvRowReader::read_ear(Cells cells) const {
    const int column = columns_[CsvField::ear];
    const std::string_view cell = cell_of(cells, column);
    if (equals_ignoring_case(cell, "left")) return 0;
    if (equals_ignoring_case(cell, "right")) return 1;
    if (is_missing(cell)) return -1;
    throw BadRow{kUnknownEar, column, {}, std::string(cell), "`left`, `right` or an empty cell"};
}

std::int32_t CsvRowReader::read_class(Cells cells, std::int64_t line) const {
    const int column = columns_[CsvField::class_name];
    const std::string_view cell = cell_of(cells, column);
    if (const auto known = classes_.find(cell); known != classes_.end()) return known->second;
    if (is_missing(cell)) return -1;
    const auto count = static_cast<double>(config_.classes.size());
    double index = 0;
    if (parse_number(cell, dialect_.decimal, index) && index >= 0 && index < count &&
        index == std::floor(index)) {
        return static_cast<std::int32_t>(index);
    }
    std::string expected = "one of the classes ";
    for (const std::string& name : config_.classes) expected += quoted_value(name) + ", ";
    expected += fmt::format("an index from 0 to {}, or an empty cell", config_.classes.size() - 1);
    std::string remedy = fmt::format(
        "give the class that it means this name under [data.class_aliases], e.g. {} = [\"{}\"], or leave its "
        "rows "
        "out with a filter",
        config_.classes.front(), cell);
    if (has_combining_accent(cell)) remedy += " (it has combining accents; names are compared byte by byte)";
    throw InputError(cell_message(path_, line, columns_.name(column), cell, expected, remedy));
}

void CsvRowReader::reject(const BadRow& bad, std::int64_t line, CsvBlock& block) const {
    if (config_.on_bad_row == OnBadRow::error) throw InputError(bad_row_message(bad, line));
    Rejection& rejection = block.rejected[bad.reason];
    ++rejection.count;
    if (rejection.lines.size() < kRejectionLines) rejection.lines.push_back(line);
    if (block.first_rejection.empty()) block.first_rejection = bad_row_message(bad, line);
}

std::string CsvRowReader::bad_row_message(const BadRow& bad, std::int64_t line) const {
    const std::string_view remedy =
        config_.on_bad_row == OnBadRow::error
            ? "correct the row, or leave such rows out with data.on_bad_row = \"skip\""
            : "correct the row";
    const std::string& column = columns_.name(bad.column);
    if (!bad.what.empty()) return column_message(path_, line, column, bad.what, bad.expected, remedy);
    return cell_message(path_, line, column, bad.value, bad.expected, remedy);
}

}  // namespace abr
