#include "engine/input/units_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "engine/error.hpp"
#include "engine/input/plain_text.hpp"

namespace abr {
namespace {

// As folded() writes them; the names of the enumerators' units stand first.
struct UnitWords {
    std::string_view unit;
    std::initializer_list<std::string_view> words;
};
const UnitWords kVoltages[] = {{"V", {"v", "volt", "volts"}},
                               {"mV", {"mv", "millivolt", "millivolts"}},
                               {"uV", {"uv", "µv", "μv", "microvolt", "microvolts", "mikrovolt"}},
                               {"nV", {"nv", "nanovolt", "nanovolts"}}};
const UnitWords kTimes[] = {{"s", {"s", "sec", "second", "seconds"}},
                            {"ms", {"ms", "msec", "millisecond", "milliseconds"}},
                            {"us", {"us", "µs", "μs", "usec", "microsecond", "microseconds"}}};
constexpr std::string_view kOthers[] = {"hz",  "1/s", "/s",     "s-1", "years",   "year",  "yr",
                                        "yrs", "y",   "a",      "yaş", "yil",     "jahre", "ans",
                                        "%",   "-",   "number", "f",   "f-ratio", "ratio"};

// Without the brackets around it.
std::string bare(std::string_view cell) {
    std::string text = folded(cell);
    if (text.size() > 2 && (text.front() == '[' || text.front() == '('))
        text = text.substr(1, text.size() - 2);
    return text;
}

template <std::size_t n>
std::optional<std::size_t> find_unit(const UnitWords (&units)[n], const std::string& word) {
    for (std::size_t i = 0; i < n; ++i)
        if (std::ranges::find(units[i].words, std::string_view(word)) != units[i].words.end()) return i;
    return std::nullopt;
}

bool is_unit(std::string_view cell) {
    const std::string word = bare(cell);
    return word.starts_with("db") || find_unit(kVoltages, word) || find_unit(kTimes, word) ||
           std::ranges::find(kOthers, word) != std::end(kOthers);
}

class Check {
  public:
    Check(const TableSource& source, std::int64_t line, std::span<const std::string_view> cells,
          const TableColumns& columns)
        : source_(source), line_(line), cells_(cells), columns_(columns) {}

    template <std::size_t n>
    void unit(int column, const UnitWords (&units)[n], std::size_t wanted, std::string_view key) const {
        if (column == TableColumns::kAbsent) return;
        const std::string_view cell = cells_[static_cast<std::size_t>(column)];
        const auto found = find_unit(units, bare(cell));
        if (!found || *found == wanted) return;
        throw InputError(cell_message(source_, line_, columns_.name(column), cell,
                                      fmt::format("`{}` as {} says", units[wanted].unit, key),
                                      fmt::format("set {} = \"{}\"", key, units[*found].unit)));
    }

  private:
    const TableSource& source_;
    std::int64_t line_;
    std::span<const std::string_view> cells_;
    const TableColumns& columns_;
};

}  // namespace

bool is_units_row(const TableSource& source, std::int64_t line, std::span<const std::string_view> cells,
                  const TableColumns& columns, const DataConfig& config) {
    std::vector<int> numeric = columns.signal;
    for (const TableField field : {TableField::age_years, TableField::intensity_db, TableField::rate_hz,
                                   TableField::fmp, TableField::sample_interval_ms})
        if (columns.has(field)) numeric.push_back(columns[field]);
    for (const Component c : kScalars)
        if (columns.has(c)) numeric.push_back(columns.label[c]);
    bool any = false;
    for (const int column : numeric) {
        if (static_cast<std::size_t>(column) >= cells.size()) return false;
        const std::string_view cell = cells[static_cast<std::size_t>(column)];
        if (cell.empty()) continue;
        if (!is_unit(cell)) return false;
        any = true;
    }
    if (!any) return false;
    const Check check(source, line, cells, columns);
    check.unit(columns.signal.front(), kVoltages, static_cast<std::size_t>(config.signal_unit),
               "data.signal_unit");
    check.unit(columns.label[Component::peak_amplitude], kVoltages,
               static_cast<std::size_t>(config.amplitude_unit), "data.amplitude_unit");
    check.unit(columns.label[Component::peak_latency], kTimes, static_cast<std::size_t>(config.latency_unit),
               "data.latency_unit");
    return true;
}

}  // namespace abr
