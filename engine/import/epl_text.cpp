#include "engine/import/epl_text.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "engine/import/text_source.hpp"

namespace abr {
namespace {

bool recognises(std::string_view first_bytes) {
    return first_bytes.starts_with(":RUN-");
}

struct Header {
    Average common;  // what every average of the file has
    std::vector<double> levels;
};

void read_field(const TextSource& text, std::string_view part, Header& header) {
    const std::size_t colon = part.find(':');
    const std::string_view name = trimmed(part.substr(0, colon));
    const std::string_view value = colon == std::string_view::npos ? "" : trimmed(part.substr(colon + 1));
    double number = kUnknown;
    const auto required = [&] {
        if (!leading_number(value, number))
            text.fail(name, fmt::format("value `{}`", readable(value)), "a number", kExportAgain);
        return number;
    };
    Average& common = header.common;
    if (name.starts_with("RUN-")) common.record = readable(name);
    if (name.ends_with("EAR")) common.ear = ear_of(value);
    if (name.ends_with("AVERAGES")) common.sweeps = required();
    if (name.starts_with("REP RATE")) common.rate_hz = required();
    if (name.starts_with("SAMPLE")) common.interval_ms = required() / 1000;
    if (name.ends_with("FREQ")) {
        const bool click = contains_ignoring_case(value, "click");
        common.frequency_hz = click ? 0 : 1000 * required();
        common.stimulus = click ? "click" : "tone";
    }
    if (name == "LEVELS") {
        for (const std::string_view level : split(value, ';'))
            if (!level.empty()) header.levels.push_back(text.number(level, "LEVELS"));
    }
}

Header read_header(TextSource& text) {
    Header header;
    bool complete = false;
    while (!complete && text.next()) {
        std::string_view line = trimmed(text.line());
        if (line.starts_with(':')) line.remove_prefix(1);
        complete = line == "DATA";
        if (!complete)
            for (const std::string_view part : split(line, '\t')) read_field(text, part, header);
    }
    if (!complete) text.fail("header", "no line `:DATA`", "samples behind it", kExportAgain);
    if (header.levels.empty())
        text.fail("LEVELS", "none", "the levels of a level sweep, as `:LEVELS:10;15;20;`", kExportAgain);
    return header;
}

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    TextSource text(path);
    Header header = read_header(text);
    if (options.interval_ms) header.common.interval_ms = *options.interval_ms;
    if (!(header.common.interval_ms > 0))
        text.fail("SAMPLE (usec)", "no interval above 0", "microseconds between samples",
                  "export the file again, or give --source-interval-ms");
    header.common.first_ms = -options.stimulus_ms.value_or(0);
    header.common.line = text.number();

    std::vector<std::vector<float>> columns(header.levels.size());
    const double scale = options.unit_uv.value_or(1);
    while (text.next()) {
        const std::vector<std::string_view> cells = words(text.line());
        if (cells.empty()) continue;
        if (cells.size() != columns.size())
            text.fail("samples", fmt::format("{} numbers", cells.size()),
                      fmt::format("{}, one for each of LEVELS", columns.size()), kExportAgain);
        for (std::size_t c = 0; c < cells.size(); ++c)
            columns[c].push_back(static_cast<float>(scale * text.number(cells[c], "sample")));
    }
    if (columns.front().empty()) text.fail("samples", "none", "numbers after `:DATA`", kExportAgain);
    for (std::size_t c = 0; c < columns.size(); ++c) {
        Average average = header.common;
        average.level_db = header.levels[c];
        average.samples = std::move(columns[c]);
        sink.add(std::move(average));
    }
}

}  // namespace

const Layout kEplText = {"epl", "EPL text", recognises, read};

}  // namespace abr
