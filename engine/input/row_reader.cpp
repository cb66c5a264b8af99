#include "engine/input/row_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "engine/error.hpp"
#include "engine/input/bad_row.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

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

// Reasons for which a negative label is bad; empty where it is none.
const PerComponent<std::string> kNegativeLabel = [] {
    PerComponent<std::string> reasons;
    for (const Component c : kScalars)
        if (!task_of(c).may_be_negative) reasons[c] = fmt::format("negative_{}", task_of(c).answer);
    return reasons;
}();

struct NumericColumn {
    TableField field;
    std::vector<float> Recordings::*target;
    bool required = false;
    std::string_view reason_if_negative;  // empty: negative values are legal
};

}  // namespace

struct RowReader::Values {
    static constexpr std::array<NumericColumn, 4> kColumns = {{
        {TableField::age_years, &Recordings::age_years, false, kNegativeAge},
        {TableField::intensity_db, &Recordings::intensity_db, true, {}},
        {TableField::rate_hz, &Recordings::rate_hz, false, {}},
        {TableField::fmp, &Recordings::fmp, false, kNegativeFmp},
    }};

    std::string_view patient;
    std::int8_t ear = -1;
    std::int32_t label = -1;
    std::array<float, kColumns.size()> numbers{};
    PerComponent<float> scalar;
    double sample_interval_ms = 0;
};

RowReader::RowReader(const TableSource& source, const TableColumns& columns, CsvDialect dialect,
                     const DataConfig& config)
    : source_(source),
      columns_(columns),
      dialect_(dialect),
      config_(config),
      is_missing_(config, columns, dialect.decimal),
      ears_(config.ear_aliases) {
    for (std::size_t i = 0; i < config.classes.size(); ++i) {
        classes_.emplace(config.classes[i], static_cast<std::int32_t>(i));
    }
    for (const auto& [name, aliases] : config.class_aliases) {
        const std::int32_t label = classes_.at(name);  // the configuration knows aliases of its classes only
        for (const std::string& alias : aliases) classes_.emplace(alias, label);
    }
}

template <class ReadSamples>
void RowReader::append(Cells cells, bool malformed, std::int64_t line, RowBlock& block,
                       const ReadSamples& read_samples) const {
    Recordings& recordings = block.recordings;
    const std::size_t signal_size = recordings.signal.size();
    const std::size_t clean_size = recordings.clean.size();
    ++block.read;
    try {
        if (!passes_filters(cells)) {
            ++block.filtered;
            return;
        }
        const int last = static_cast<int>(std::min(cells.size(), columns_.names.size())) - 1;
        if (malformed) {
            throw BadRow{kMalformedQuotes,
                         last,
                         "text follows a closing quote",
                         {},
                         "the separator after it, and quotes within a cell doubled"};
        }
        if (!has_as_many_cells(cells)) {
            const bool decimal_commas = cells.size() > columns_.names.size() && dialect_.separator == ',';
            throw BadRow{
                kWrongCellCount,
                last,
                fmt::format("the row has {} cells", cells.size()),
                {},
                fmt::format("{} as in the header{}", columns_.names.size(),
                            decimal_commas ? " (decimal commas need `;` or a tab between cells)" : "")};
        }
        Values values;
        read_values(cells, line, values);
        read_samples();

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
        for (const Component c : kScalars) recordings.scalar[c].push_back(values.scalar[c]);
        if (columns_.has(TableField::sample_interval_ms))
            block.sample_interval_ms.push_back(values.sample_interval_ms);
        block.lines.push_back(line);
        ++recordings.rows;
    } catch (const BadRow& bad) {
        recordings.signal.resize(signal_size);
        recordings.clean.resize(clean_size);
        reject(bad, line, block);
    }
}

// As the header, but for cells without a name or a value at the end, which a trailing separator makes.
bool RowReader::has_as_many_cells(Cells cells) const {
    const auto is_empty = [](const auto& text) { return text.empty(); };
    const std::size_t count = std::min(cells.size(), columns_.names.size());
    return std::all_of(cells.begin() + static_cast<std::ptrdiff_t>(count), cells.end(), is_empty) &&
           std::all_of(columns_.names.begin() + static_cast<std::ptrdiff_t>(count), columns_.names.end(),
                       is_empty);
}

void RowReader::read(const CsvTokenizer& record, std::int64_t line, RowBlock& block) const {
    const Cells cells = record.cells();
    if (record.is_blank()) {
        if (cells.size() > 1) ++block.blank;
        return;
    }
    const auto names_its_column = [&](TableField field) {
        const auto column = static_cast<std::size_t>(columns_[field]);
        return column < cells.size() && cells[column] == columns_.names[column];
    };
    if (names_its_column(TableField::patient_id) && names_its_column(TableField::intensity_db)) {
        ++block.repeated_headers;
        return;
    }
    append(cells, record.malformed(), line, block, [&] { parse_samples(record, block.recordings); });
}

void RowReader::read(Cells cells, std::span<const float> signal, std::span<const float> clean,
                     std::int64_t row, RowBlock& block) const {
    Recordings& recordings = block.recordings;
    append(cells, false, row, block, [&] {
        const auto bad_in = [](const std::vector<int>& column, std::span<const float> samples) {
            return [&column, samples](std::string_view reason, std::size_t k, std::string expected) {
                return BadRow{reason,
                              column.front(),
                              fmt::format("sample {} is {}", k, samples[k]),
                              {},
                              std::move(expected)};
            };
        };
        check_signal(signal, columns_.signal.front(), bad_in(columns_.signal, signal));
        recordings.signal.insert(recordings.signal.end(), signal.begin(), signal.end());
        if (clean.empty()) return;
        check_clean(clean, bad_in(columns_.clean, clean));
        recordings.clean.insert(recordings.clean.end(), clean.begin(), clean.end());
    });
}

bool RowReader::passes_filters(Cells cells) const {
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
                if (is_missing_(cell, column)) break;  // not known to be within the bound
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

void RowReader::read_values(Cells cells, std::int64_t line, Values& values) const {
    const int patient = columns_[TableField::patient_id];
    values.patient = cell_of(cells, patient);
    if (values.patient.empty() ||
        (!is_missing(values.patient) && is_missing_.is_word(values.patient, patient))) {
        throw BadRow{kMissingValue, patient, {}, std::string(values.patient), "the patient's identifier"};
    }
    if (columns_.has(TableField::ear)) values.ear = read_ear(cells);
    for (std::size_t i = 0; i < values.numbers.size(); ++i) {
        const NumericColumn& column = Values::kColumns[i];
        const int index = columns_[column.field];
        values.numbers[i] = column.required ? read_number<float>(cells, index)
                                            : read_optional(cells, index, column.reason_if_negative);
    }
    for (const Component c : kScalars)
        values.scalar[c] = read_optional(cells, columns_.label[c], kNegativeLabel[c]);
    if (columns_.has(TableField::sample_interval_ms)) {
        const int column = columns_[TableField::sample_interval_ms];
        values.sample_interval_ms = read_number<double>(cells, column);
        if (values.sample_interval_ms <= 0) {
            throw BadRow{
                kSampleInterval, column, {}, std::string(cell_of(cells, column)), "a time above 0 (ms)"};
        }
    }
    if (columns_.has(Component::classification)) values.label = read_class(cells, line);
}

void RowReader::parse_samples(const CsvTokenizer& record, Recordings& recordings) const {
    const Cells cells = record.cells();
    const auto bad_in = [&](const std::vector<int>& columns) {
        return [&](std::string_view reason, std::size_t k, std::string expected) {
            return BadRow{
                reason, columns[k], {}, std::string(cell_of(cells, columns[k])), std::move(expected)};
        };
    };
    const std::size_t length = columns_.signal.size();
    std::vector<float>& signal = recordings.signal;
    const std::span<const float> numbers = record.numbers(0);
    signal.insert(signal.end(), numbers.begin(), numbers.end());
    for (std::size_t k = 0; k < length && numbers.empty(); ++k) {
        const int column = columns_.signal[k];
        float sample = 0;
        if (!parse_number(cell_of(cells, column), dialect_.decimal, sample))
            sample = read_number<float>(cells, column);  // which knows what is wrong
        signal.push_back(sample);
    }
    check_signal(std::span(signal).last(length), columns_.signal.front(), bad_in(columns_.signal));

    if (columns_.clean.empty()) return;
    std::vector<float>& clean = recordings.clean;
    const std::span<const float> clean_numbers = record.numbers(1);
    clean.insert(clean.end(), clean_numbers.begin(), clean_numbers.end());
    for (std::size_t k = 0; k < length && clean_numbers.empty(); ++k) {
        const int column = columns_.clean[k];
        const bool missing = is_missing_.is_word(cell_of(cells, column), TableColumns::kAbsent);
        clean.push_back(missing ? kMissing : read_number<float>(cells, column));
    }
    check_clean(std::span(clean).last(length), bad_in(columns_.clean));
}

float RowReader::read_optional(Cells cells, int index, std::string_view reason_if_negative) const {
    if (index == TableColumns::kAbsent) return kMissing;
    if (is_missing_(cell_of(cells, index), index)) return kMissing;
    const auto value = read_number<float>(cells, index);
    if (value < 0 && !reason_if_negative.empty()) {
        throw BadRow{
            reason_if_negative, index, {}, std::string(cell_of(cells, index)), "a value of 0 or more"};
    }
    return value;
}

template <class Real>
Real RowReader::read_number(Cells cells, int column) const {
    const std::string_view cell = cell_of(cells, column);
    Real value = 0;
    const bool is_sample = columns_.is_sample(column);
    if (is_sample ? is_missing(cell) : is_missing_(cell, column))
        throw BadRow{kMissingValue,
                     column,
                     {},
                     std::string(cell),
                     is_missing(cell) ? "a number" : "a number, not what data.missing says"};
    if (!parse_number(cell, dialect_.decimal, value)) {
        throw BadRow{kNotANumber,
                     column,
                     {},
                     std::string(cell),
                     source_.form == TableForm::arrays ? "a number"
                     : dialect_.decimal == ',' ? "a number, with a decimal comma as in the rest of the file"
                                               : "a number, with a decimal point"};
    }
    if (!std::isfinite(value)) throw BadRow{kNotFinite, column, {}, std::string(cell), "a finite number"};
    return value;
}

std::int8_t RowReader::read_ear(Cells cells) const {
    const int column = columns_[TableField::ear];
    const std::string_view cell = cell_of(cells, column);
    if (const auto ear = ears_.find(cell)) return *ear;
    if (is_missing_(cell, column)) return -1;
    throw BadRow{kUnknownEar,
                 column,
                 {},
                 std::string(cell),
                 "an ear, such as `left`, `L`, `right` or `R`, or an empty cell"};
}

std::int32_t RowReader::read_class(Cells cells, std::int64_t line) const {
    const int column = columns_.label[Component::classification];
    const std::string_view cell = cell_of(cells, column);
    if (const auto known = classes_.find(cell); known != classes_.end()) return known->second;
    if (is_missing_(cell, column)) return -1;
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
        "say which class it means under [data.class_aliases]: CLASS = [\"{}\"], or leave its rows out with a "
        "filter",
        cell);
    if (has_combining_accent(cell)) remedy += " (it has combining accents; names are compared byte by byte)";
    throw InputError(cell_message(source_, line, columns_.name(column), cell, expected, remedy));
}

void RowReader::reject(const BadRow& bad, std::int64_t line, RowBlock& block) const {
    const auto message = [&] { return bad_row_message(bad, source_, columns_, config_.on_bad_row, line); };
    if (config_.on_bad_row == OnBadRow::error) throw InputError(message());
    Rejection& rejection = block.rejected[bad.reason];
    ++rejection.count;
    if (rejection.lines.size() < kRejectionLines) rejection.lines.push_back(line);
    if (rejection.first.empty()) rejection.first = message();
}

}  // namespace abr
