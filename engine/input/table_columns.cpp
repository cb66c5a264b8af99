#include "engine/input/table_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include "engine/error.hpp"
#include "engine/input/near_names.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

struct FieldColumn {
    TableField field;
    std::string_view ours;
    std::string ColumnNames::*theirs;
    bool required;
};

constexpr FieldColumn kFieldColumns[] = {
    {TableField::patient_id, "patient_id", &ColumnNames::patient_id, true},
    {TableField::ear, "ear", &ColumnNames::ear, false},
    {TableField::age_years, "age_years", &ColumnNames::age_years, false},
    {TableField::intensity_db, "intensity_db", &ColumnNames::intensity_db, true},
    {TableField::rate_hz, "rate_hz", &ColumnNames::rate_hz, false},
    {TableField::fmp, "fmp", &ColumnNames::fmp, false},
    {TableField::sample_interval_ms, "sample_interval_ms", &ColumnNames::sample_interval_ms, false},
};
static_assert(std::size(kFieldColumns) == kTableFields);

// The index of a sample's column, or -1: the prefix and a number from `first` on, without leading zeros.
std::int64_t sample_number(std::string_view name, const SampleColumns& columns) {
    if (!name.starts_with(columns.prefix)) return -1;
    const std::string_view digits = name.substr(columns.prefix.size());
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return -1;
    if (digits.front() < '0' || digits.front() > '9') return -1;
    int number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [last, error] = std::from_chars(digits.data(), end, number);
    if (error != std::errc() || last != end || number < columns.first) return -1;
    return number;
}

class Resolver {
  public:
    Resolver(const TableSource& source, std::vector<std::string> header)
        : source_(source), header_line_(source.form == TableForm::text ? source.header_line : 0) {
        columns_.names = std::move(header);
        for (std::size_t i = 0; i < columns_.names.size(); ++i) {
            index_[columns_.names[i]].push_back(static_cast<int>(i));
        }
    }

    TableColumns resolve(const DataConfig& config) {
        static const ColumnNames defaults;
        for (const auto& [field, ours, theirs, required] : kFieldColumns) {
            const std::string& name = config.columns.*theirs;
            const bool wanted = required || name != defaults.*theirs;
            columns_.field[static_cast<std::size_t>(field)] =
                name.empty() ? TableColumns::kAbsent : read_as(name, ours, wanted);
        }
        for (const Component c : kMetricOrder) {
            const std::string& name = config.columns.label[c];
            columns_.label[c] = has_label_column(c) && !name.empty()
                                    ? read_as(name, task_of(c).label_column, name != defaults.label[c])
                                    : TableColumns::kAbsent;
        }
        const bool clean_wanted = config.columns.clean != defaults.clean;
        if (source_.form == TableForm::arrays) {
            columns_.signal = {read_as("signal", "signal", true)};
            if (const int clean = read_as("clean", "clean", false); clean != TableColumns::kAbsent)
                columns_.clean = {clean};
        } else {
            columns_.signal = samples(config.columns.signal, "signal", true);
            columns_.clean = samples(config.columns.clean, "clean", clean_wanted);
            check_clean(config.columns.clean);
        }
        if (!columns_.has(TableField::sample_interval_ms) && !config.sample_interval_ms)
            missing_interval(config);
        for (const RowFilter& filter : config.filters) columns_.filter.push_back(filter_column(filter));
        for (const auto& [name, words] : config.missing_in) {
            columns_.missing_in.push_back(find(name));
            if (columns_.missing_in.back() == TableColumns::kAbsent)
                missing(name, "correct the name in [data.missing_in]");
        }
        find_hints(config);
        return std::move(columns_);
    }

  private:
    // The column of that name, or kAbsent.
    int find(const std::string& name) const {
        const auto at = index_.find(name);
        if (at == index_.end()) return TableColumns::kAbsent;
        const std::vector<int>& places = at->second;
        if (places.size() > 1) {
            throw InputError(column_message(
                source_, header_line_, name,
                fmt::format("stands twice, as columns {} and {}", places[0] + 1, places[1] + 1),
                "every column that is read once", "rename or remove one of them"));
        }
        return places[0];
    }

    int read_as(const std::string& name, std::string_view ours, bool wanted) {
        const int column = find(name);
        if (column == TableColumns::kAbsent) {
            if (wanted)
                missing(name, ours == name && source_.form == TableForm::arrays &&
                                      (name == "signal" || name == "clean")
                                  ? std::string("save the signals as a two-dimensional array of this name")
                                  : fmt::format("set [data.columns] {} to the name it has in this file{}",
                                                ours, near(name)));
            return column;
        }
        const auto [other, is_new] = read_as_.emplace(column, ours);
        if (!is_new) {
            throw InputError(column_message(source_, header_line_, name,
                                            fmt::format("read both as {} and as {}", other->second, ours),
                                            "a column of its own for each", "correct [data.columns]"));
        }
        return column;
    }

    // " (`Level` is near)", where the file has a name that is.
    std::string near(std::string_view name) const {
        const auto found = std::ranges::find_if(
            columns_.names, [&](const std::string& other) { return is_near(other, name); });
        return found == columns_.names.end() ? "" : fmt::format(" ({} is near)", quoted_value(*found));
    }

    int filter_column(const RowFilter& filter) const {
        const int column = find(filter.column);
        if (column == TableColumns::kAbsent) {
            missing(filter.column, fmt::format("correct the filter's column name ({})", filter.written_at));
        }
        return column;
    }

    // Optional columns that are absent under our name, which the file may have under another one.
    void find_hints(const DataConfig& config) {
        for (const auto& [field, ours, theirs, required] : kFieldColumns)
            if (!columns_.has(field) && !(config.columns.*theirs).empty()) hint(ours);
        for (const Component c : kMetricOrder)
            if (has_label_column(c) && !columns_.has(c) && !config.columns.label[c].empty())
                hint(task_of(c).label_column);
    }

    void hint(std::string_view ours) {
        for (std::size_t i = 0; i < columns_.names.size(); ++i) {
            const std::string& name = columns_.names[i];
            if (read_as_.contains(static_cast<int>(i)) || !is_near(name, ours)) continue;
            columns_.hints.push_back(
                {"column_nearly_named",
                 name,
                 1,
                 fmt::format("is not read; its name is nearly `{}`", ours),
                 fmt::format("if that is what it holds, set [data.columns] {} = {}; if not, set it to \"\"",
                             ours, toml_text(name)),
                 {{"", header_line_}}});
        }
    }

    // Between quotes, as the configuration writes it.
    static std::string toml_text(std::string_view name) {
        std::string text = "\"";
        for (const char c : name) text += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
        return text + '"';
    }

    std::vector<int> samples(const SampleColumns& wanted, std::string_view ours, bool required) {
        std::set<std::int64_t> numbers;
        for (const std::string& name : columns_.names) {
            const std::int64_t number = sample_number(name, wanted);
            if (number >= 0) numbers.insert(number);
        }
        std::int64_t count = wanted.count;
        if (count == 0 && !numbers.empty()) count = *numbers.rbegin() - wanted.first + 1;
        if (count == 0 && !required) return {};

        std::vector<int> found;
        for (std::int64_t k = 0; k < std::max<std::int64_t>(count, 1); ++k) {
            const std::string name = fmt::format("{}{}", wanted.prefix, wanted.first + k);
            if (numbers.count(wanted.first + k) == 0) missing_sample(name, ours, wanted, count, numbers);
            found.push_back(read_as(name, fmt::format("{} sample {}", ours, k), true));
        }
        return found;
    }

    void check_clean(const SampleColumns& clean) const {
        if (columns_.clean.empty() || columns_.clean.size() == columns_.signal.size()) return;
        throw InputError(column_message(
            source_, header_line_, fmt::format("{}{}", clean.prefix, clean.first),
            fmt::format("the clean signal has {} samples", columns_.clean.size()),
            fmt::format("{} as in the signal", columns_.signal.size()),
            "export both with equal length, or set [data.columns] clean to the columns that hold it"));
    }

    [[noreturn]] void missing(const std::string& name, std::string_view remedy) const {
        const bool text = source_.form == TableForm::text;
        throw InputError(column_message(
            source_, header_line_, name, "missing",
            fmt::format("this name {}, which {}", text ? "in the header" : "among the arrays of the file",
                        (text ? "has " : "are ") + header_excerpt()),
            fmt::format("rename the {}, or {}", text ? "column" : "array", remedy)));
    }

    [[noreturn]] void missing_sample(const std::string& name, std::string_view ours,
                                     const SampleColumns& wanted, std::int64_t count,
                                     const std::set<std::int64_t>& numbers) const {
        if (numbers.empty()) {
            missing(name,
                    fmt::format("set [data.columns] {} = {{ prefix = \"...\", first = ..., count = ... }} to "
                                "where the samples are",
                                ours));
        }
        throw InputError(column_message(
            source_, header_line_, name, "a sample column is missing",
            fmt::format("the {} in {} columns `{}{}` ... `{}{}` without a gap", ours, count, wanted.prefix,
                        wanted.first, wanted.prefix, wanted.first + count - 1),
            fmt::format("export the data again with every sample, or correct [data.columns] {}", ours)));
    }

    [[noreturn]] void missing_interval(const DataConfig& config) const {
        throw InputError(
            column_message(source_, header_line_, config.columns.sample_interval_ms, "missing",
                           "the time between two samples, in this column or in the configuration",
                           "set data.sample_interval_ms (ms), e.g. 0.1 for 10 kHz"));
    }

    // The header's first names, without the many of the samples.
    std::string header_excerpt() const {
        constexpr std::size_t kShown = 15;
        std::string text;
        const std::size_t shown = std::min(kShown, columns_.names.size());
        for (std::size_t i = 0; i < shown; ++i)
            text += (i == 0 ? "" : ", ") + quoted_value(columns_.names[i]);
        if (shown < columns_.names.size()) text += fmt::format(" and {} more", columns_.names.size() - shown);
        return text;
    }

    const TableSource& source_;
    std::int64_t header_line_;
    TableColumns columns_;
    std::map<std::string, std::vector<int>> index_;
    std::map<int, std::string> read_as_;
};

}  // namespace

TableColumns resolve_columns(const TableSource& source, std::vector<std::string> names,
                             const DataConfig& config) {
    return Resolver(source, std::move(names)).resolve(config);
}

}  // namespace abr
