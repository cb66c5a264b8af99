#include "engine/import/import_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "engine/input/cell_number.hpp"
#include "engine/output/text_table.hpp"

namespace abr {
namespace {

constexpr std::size_t kShown = 20;    // rows of a table, and examples
constexpr double kNoticeable = 0.01;  // of an interval

double number_or_nan(const std::string& cell) {
    double value = kUnknown;
    return !cell.empty() && parse_number(cell, '.', value) ? value : kUnknown;
}

std::string stimulus_text(const std::string& frequency) {
    const double hertz = number_or_nan(frequency);
    return frequency.empty() ? "?" : hertz == 0 ? "click" : fmt::format("{:g} Hz", hertz);
}

// Recordings of one patient, ear and stimulus, by level.
using SeriesKey = std::array<std::string, 3>;
using Levels = std::map<double, std::vector<std::size_t>>;

std::map<SeriesKey, Levels> series_of(const ImportedTable& table) {
    std::map<SeriesKey, Levels> series;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        const auto cell = [&](const char* name) { return table.find(name)->cells[row]; };
        series[{cell("patient_id"), cell("ear"), cell("stimulus_frequency_hz")}]
              [number_or_nan(cell("intensity_db"))]
                  .push_back(row);
    }
    return series;
}

std::size_t patients_of(const ImportedTable& table) {
    const std::vector<std::string>& cells = table.find("patient_id")->cells;
    return std::set<std::string>(cells.begin(), cells.end()).size();
}

std::string levels_text(const Levels& levels) {
    std::vector<std::string> texts;
    for (const auto& [level, rows] : levels) texts.push_back(fmt::format("{:g}", level));
    if (texts.size() > kShown)
        return fmt::format("{} levels from {} to {}", texts.size(), texts.front(), texts.back());
    return fmt::format("{}", fmt::join(texts, " "));
}

std::string series_text(const ImportedTable& table) {
    TextTable text({"patient", "ear", "stimulus", "recordings", "levels (dB)"});
    std::size_t rows = 0, more = 0;
    for (const auto& [key, levels] : series_of(table)) {
        if (++rows > kShown) {
            ++more;
            continue;
        }
        std::size_t recordings = 0;
        for (const auto& [level, members] : levels) recordings += members.size();
        text.add({key[0], key[1].empty() ? "?" : key[1], stimulus_text(key[2]), std::to_string(recordings),
                  levels_text(levels)});
    }
    return text.text() +
           (more > 0 ? fmt::format("\nand {} rows more; --report writes all of them", more) : "");
}

std::string files_text(const ImportReport& report, const ImportedTable& table) {
    std::map<std::string, int> layouts;
    std::int64_t averages = 0;
    for (const ImportedFile& file : report.files) {
        ++layouts[file.title.empty() ? "an unknown layout" : file.title];
        averages += file.averages;
    }
    std::vector<std::string> texts;
    for (const auto& [title, count] : layouts) texts.push_back(fmt::format("{} of {}", count, title));
    return fmt::format(
        "files: {}\naverages in them: {}\nrecordings: {} of {} patients, {} samples every {:.6g} ms, the "
        "first {:.4g} ms after the stimulus",
        fmt::join(texts, ", "), averages, table.rows(), patients_of(table), table.length,
        table.sample_interval_ms, table.first_sample_ms);
}

// What follows from the numbers and a user should know.
std::vector<std::string> all_notes(const ImportReport& report, const ImportedTable& table) {
    std::vector<std::string> notes = report.notes;
    if (report.subjects_from_file_names > 0)
        notes.push_back(fmt::format(
            "files that name no subject: {}; each counts as a patient of its own. If some are of one "
            "patient, say so with --labels or --subject folder, or a split will tear that patient apart",
            report.subjects_from_file_names));
    if (report.longest_ms - report.shortest_ms > table.sample_interval_ms / 2)
        notes.push_back(fmt::format(
            "recordings end between {:.4g} and {:.4g} ms after the stimulus; all were cut to the "
            "shortest (--window-ms chooses)",
            table.first_sample_ms + report.shortest_ms, table.first_sample_ms + report.longest_ms));
    const double late = table.sample_interval_ms / 2 - table.first_sample_ms;
    if (std::abs(late) > 2 * table.sample_interval_ms)
        notes.push_back(fmt::format(
            "the first sample lies {:.4g} ms after the stimulus: say so in the configuration with "
            "data.first_sample_ms = {:.4g}, or choose --window-ms 0:TO",
            table.first_sample_ms, -late));
    else if (std::abs(late) > kNoticeable * table.sample_interval_ms)
        notes.push_back(fmt::format(
            "sample k lies at {:.4g} + k x {:.6g} ms, and the engine takes it to lie half an "
            "interval after k intervals: latencies of the engine are {:.4g} ms {}; "
            "--interval-ms resamples to those times",
            table.first_sample_ms, table.sample_interval_ms, std::abs(late), late > 0 ? "late" : "early"));
    if (report.labels && !report.labels->unused_lines.empty()) {
        const auto& lines = report.labels->unused_lines;
        const std::vector<std::int64_t> first(
            lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(lines.size(), kShown)));
        notes.push_back(fmt::format("labels: {} lines fit no recording: {}{}", lines.size(),
                                    fmt::join(first, ", "), lines.size() > kShown ? ", ..." : ""));
    }
    return notes;
}

}  // namespace

std::string import_text(const ImportReport& report, const ImportedTable& table) {
    std::string text = files_text(report, table) + "\n\n" + series_text(table) + '\n';
    if (report.labels)
        text += fmt::format("\nlabels by {}: {} of {} recordings have a line\n",
                            fmt::join(report.labels->keys, ", "), report.labels->labelled, table.rows());
    for (const auto& [reason, which] : report.left_out) {
        text += fmt::format("\nleft out, {}: {}\n", reason, which.size());
        for (std::size_t i = 0; i < std::min(which.size(), kShown); ++i)
            text += fmt::format("  {}\n", which[i]);
        if (which.size() > kShown) text += fmt::format("  and {} more\n", which.size() - kShown);
    }
    for (const std::string& note : all_notes(report, table)) text += fmt::format("\nnote: {}\n", note);
    return printable(text);
}

Json import_json(const ImportReport& report, const ImportedTable& table) {
    Json json;
    json["recordings"] = table.rows();
    json["patients"] = patients_of(table);
    json["samples"] = table.length;
    json["sample_interval_ms"] = table.sample_interval_ms;
    json["first_sample_ms"] = table.first_sample_ms;
    json["files"] = Json::array();
    for (const ImportedFile& file : report.files)
        json["files"].push_back({{"path", file.path.string()},
                                 {"layout", file.title},
                                 {"averages", file.averages},
                                 {"recordings", file.recordings}});
    json["left_out"] = Json::object();
    for (const auto& [reason, which] : report.left_out) json["left_out"][reason] = which;
    if (report.labels)
        json["labels"] = {{"keys", report.labels->keys},
                          {"labelled", report.labels->labelled},
                          {"unused_lines", report.labels->unused_lines}};
    json["notes"] = all_notes(report, table);
    json["means"] = Json::array();
    for (const auto& [key, levels] : series_of(table)) {
        for (const auto& [level, rows] : levels) {
            std::vector<double> mean(static_cast<std::size_t>(table.length), 0);
            for (const std::size_t row : rows)
                for (std::size_t k = 0; k < mean.size(); ++k)
                    mean[k] += double{table.signal[row][k]} / static_cast<double>(rows.size());
            json["means"].push_back({{"patient_id", key[0]},
                                     {"ear", key[1]},
                                     {"stimulus", stimulus_text(key[2])},
                                     {"intensity_db", level},
                                     {"recordings", rows.size()},
                                     {"mean_uv", mean}});
        }
    }
    return json;
}

}  // namespace abr
