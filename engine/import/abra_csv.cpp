#include "engine/import/abra_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "engine/import/text_source.hpp"
#include "engine/input/cell_number.hpp"

namespace abr {
namespace {

constexpr std::string_view kFrequency = "freq(hz)", kLevel = "level(db)", kAttenuation = "postatten(db)";
// No tone burst of an ABR lies below this; a "frequency" that does, beside a level of next to nothing, is a level.
constexpr double kLowestFrequency = 125, kLowestLevel = 1;

char separator_of(std::string_view names) {
    for (const char separator : {';', '\t'})
        if (names.find(separator) != std::string_view::npos) return separator;
    return ',';
}

bool recognises(std::string_view first_bytes) {
    if (first_bytes.starts_with("\xEF\xBB\xBF")) first_bytes.remove_prefix(3);
    const std::string_view line = first_bytes.substr(0, first_bytes.find_first_of("\r\n"));
    return std::ranges::any_of(split(line, separator_of(line)), [](std::string_view name) {
        return equals_ignoring_case(name, kLevel) || equals_ignoring_case(name, kAttenuation);
    });
}

struct Columns {
    std::optional<std::size_t> frequency, level;
    std::size_t first_sample = 0, samples = 0;  // side by side
};

// Samples are the longest run of names that count up by one from 0 or 1.
Columns find_columns(const TextSource& text, const std::vector<std::string_view>& names) {
    Columns columns;
    for (std::size_t c = 0; c < names.size(); ++c) {
        if (equals_ignoring_case(names[c], kFrequency)) columns.frequency = c;
        if (equals_ignoring_case(names[c], kLevel)) columns.level = c;
        if (columns.samples > 0 || (names[c] != "0" && names[c] != "1")) continue;
        const std::size_t base = names[c] == "0" ? 0 : 1;
        std::size_t count = 1;
        while (c + count < names.size() && names[c + count] == std::to_string(base + count)) ++count;
        columns.first_sample = c;
        columns.samples = count;
    }
    if (columns.samples < 2)
        text.fail("names", "no columns `0`, `1`, ... of samples", "one for each sample, without a gap",
                  "export the samples with their numbers as names");
    return columns;
}

Average read_row(const TextSource& text, const std::vector<std::string_view>& cells, const Columns& columns,
                 double scale) {
    Average average;
    average.line = text.number();
    if (columns.level) average.level_db = text.number(cells[*columns.level], "Level(dB)");
    if (columns.frequency) {
        const bool click = contains_ignoring_case(cells[*columns.frequency], "click");
        average.frequency_hz = click ? 0 : text.number(cells[*columns.frequency], "Freq(Hz)");
        average.stimulus = average.frequency_hz == 0 ? "click" : "tone";
    }
    std::size_t last = columns.first_sample + columns.samples;
    while (last > columns.first_sample && cells[last - 1].empty()) --last;
    for (std::size_t c = columns.first_sample; c < last; ++c)
        average.samples.push_back(static_cast<float>(
            scale * text.number(cells[c], fmt::format("sample {}", c - columns.first_sample))));
    if (average.samples.empty())
        text.fail("samples", "none", "numbers in the columns of samples", kExportAgain);
    return average;
}

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    TextSource text(path);
    text.next();
    const std::string header(text.line());
    const char separator = separator_of(header);
    const std::vector<std::string_view> names = split(header, separator);
    const Columns columns = find_columns(text, names);
    if (!options.interval_ms)
        text.fail("time", "the layout holds no sample interval", "the time between two samples",
                  "give --source-interval-ms; 10 ms in 244 samples, as ABRA writes them, are 0.04096");
    if (!columns.level) sink.note("it holds attenuations and no levels: give them with --labels");
    std::int64_t exchanged = 0, rows = 0;
    while (text.next()) {
        if (trimmed(text.line()).empty()) continue;
        const std::vector<std::string_view> cells = split(text.line(), separator);
        if (cells.size() != names.size())
            text.fail("cells", fmt::format("the line has {}", cells.size()),
                      fmt::format("{}, one for each name", names.size()), kExportAgain);
        Average average = read_row(text, cells, columns, options.unit_uv.value_or(1));
        average.record = std::to_string(++rows);
        average.interval_ms = *options.interval_ms;
        average.first_ms = -options.stimulus_ms.value_or(0);
        exchanged += average.frequency_hz > 0 && average.frequency_hz < kLowestFrequency &&
                     average.level_db < kLowestLevel;
        sink.add(std::move(average));
    }
    if (exchanged > 0)
        sink.note(fmt::format(
            "{} lines have a level below {} dB and a \"frequency\" below {} Hz: exports of clicks "
            "with the level under Freq(Hz) look so; correct them, or give levels with --labels",
            exchanged, kLowestLevel, kLowestFrequency));
}

}  // namespace

const Layout kAbraCsv = {"abra", "ABRA CSV", recognises, read};

}  // namespace abr
