#include "engine/import/time_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "engine/import/text_source.hpp"

namespace abr {
namespace {

// Printed times may be rounded: to two decimals, a step of 0.04096 ms moves them by an eighth of it.
constexpr double kUnevenness = 0.25;  // of an interval

using Cells = std::vector<std::string_view>;

bool is_comment(std::string_view line) {
    line = trimmed(line);
    return line.empty() || line.starts_with('#') || line.starts_with('%');
}

char separator_of(std::string_view names) {
    for (const char separator : {'\t', ';', ','})
        if (names.find(separator) != std::string_view::npos) return separator;
    return ' ';
}

Cells cells_of(std::string_view line, char separator) {
    if (separator == ' ') return words(line);
    return split(line, separator);
}

bool is_time(std::string_view name) {
    constexpr std::string_view kTime = "time";
    return contains_ignoring_case(name.substr(0, kTime.size()), kTime) || name == "t" || name == "ms" ||
           name.starts_with("t(") || name.starts_with("t (");
}

bool recognises(std::string_view first_bytes) {
    if (first_bytes.starts_with("\xEF\xBB\xBF")) first_bytes.remove_prefix(3);
    while (!first_bytes.empty()) {
        const std::size_t end = std::min(first_bytes.find_first_of("\r\n"), first_bytes.size());
        const std::string_view line = first_bytes.substr(0, end);
        if (!is_comment(line)) return is_time(cells_of(line, separator_of(line)).front());
        first_bytes.remove_prefix(std::min(end + 1, first_bytes.size()));
    }
    return false;
}

// Milliseconds of the unit in a name such as "Time (ms)", "time_us", "Time [s]"; nothing where it says none.
std::optional<double> time_unit_ms(std::string_view name) {
    for (const std::string_view micro : {"us)", "us]", "_us", "\xC2\xB5s", "\xCE\xBCs", "usec", "microsec"})
        if (contains_ignoring_case(name, micro)) return 1e-3;
    if (contains_ignoring_case(name, "ms") || contains_ignoring_case(name, "millisec")) return 1;
    for (const std::string_view second : {"(s)", "[s]", "_s", "sec"})
        if (contains_ignoring_case(name, second)) return 1e3;
    return std::nullopt;
}

// The unit in brackets behind a column's name.
std::optional<double> bracketed_unit(std::string_view name) {
    const std::size_t open = name.find_first_of("([");
    if (open == std::string_view::npos) return std::nullopt;
    const std::size_t close = name.find_first_of(")]", open);
    return unit_in_uv(name.substr(open + 1, close == std::string_view::npos ? close : close - open - 1));
}

void check_even(const TextSource& text, const std::vector<double>& times, std::int64_t first_line) {
    if (times.size() < 2)
        text.fail("time", fmt::format("{} lines of numbers", times.size()), "two at least", kExportAgain);
    const double step = (times.back() - times.front()) / static_cast<double>(times.size() - 1);
    if (!(step > 0)) text.fail(first_line, "time", "times that do not grow", "ascending times", kExportAgain);
    for (std::size_t k = 0; k < times.size(); ++k)
        if (std::abs(times[k] - times.front() - static_cast<double>(k) * step) > kUnevenness * step)
            text.fail(first_line, "time",
                      fmt::format("{} is not where sample {} of evenly spaced ones lies", times[k], k + 1),
                      "one step between all times", "resample it to even steps before the export");
}

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    TextSource text(path);
    while (text.next() && is_comment(text.line())) continue;
    const std::string names_line(text.line());
    const char separator = separator_of(names_line);
    Cells names = cells_of(names_line, separator);
    const bool trailing = names.size() > 1 && names.back().empty();  // a separator ends every line
    if (trailing) names.pop_back();
    if (names.size() < 2)
        text.fail("names", fmt::format("{} columns", names.size()), "the time and at least one average",
                  "export the samples beside the time");
    const std::int64_t names_line_number = text.number();

    std::vector<double> times;
    std::vector<std::vector<float>> columns(names.size() - 1);
    std::vector<double> scales;
    for (std::size_t c = 1; c < names.size(); ++c)
        scales.push_back(options.unit_uv.value_or(bracketed_unit(names[c]).value_or(1)));
    while (text.next()) {
        if (is_comment(text.line())) continue;
        Cells cells = cells_of(text.line(), separator);
        if (trailing && cells.size() == names.size() + 1 && cells.back().empty()) cells.pop_back();
        if (cells.size() != names.size())
            text.fail("cells", fmt::format("the line has {}", cells.size()),
                      fmt::format("{}, one for each name", names.size()),
                      separator == ' '
                          ? "separate the columns by tabs: spaces within a name count as separators"
                          : std::string(kExportAgain));
        times.push_back(text.number(cells[0], names[0]));
        for (std::size_t c = 1; c < cells.size(); ++c)
            columns[c - 1].push_back(static_cast<float>(scales[c - 1] * text.number(cells[c], names[c])));
    }
    check_even(text, times, names_line_number + 1);
    const double step = (times.back() - times.front()) / static_cast<double>(times.size() - 1);
    std::optional<double> unit = time_unit_ms(names[0]);
    if (options.interval_ms) unit = *options.interval_ms / step;
    if (!unit)
        text.fail(names_line_number, names[0], "a time without its unit",
                  "`Time (ms)`, `Time (us)` or `Time (s)`", "correct the name, or give --source-interval-ms");
    for (std::size_t c = 1; c < names.size(); ++c) {
        Average average;
        average.line = names_line_number;
        average.record = readable(names[c]);
        average.level_db = level_in(names[c]);
        average.interval_ms = step * *unit;
        average.first_ms = options.stimulus_ms ? -*options.stimulus_ms : times.front() * *unit;
        average.samples = std::move(columns[c - 1]);
        sink.add(std::move(average));
    }
}

}  // namespace

const Layout kTimeColumns = {"time-columns", "time and columns", recognises, read};

}  // namespace abr
