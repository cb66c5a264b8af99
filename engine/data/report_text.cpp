#include "engine/data/report_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "engine/output/text_table.hpp"

namespace abr {
namespace {

constexpr std::size_t kShownLines = 5;

std::string lines_text(const Rejection& rejection) {
    const std::size_t shown = std::min(rejection.lines.size(), kShownLines);
    std::string text =
        fmt::format("{}", fmt::join(rejection.lines.begin(),
                                    rejection.lines.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (static_cast<std::int64_t>(shown) < rejection.count) text += " ...";
    return text;
}

std::string count_text(const DataReport::ClassCount& count) {
    return fmt::format("{} ({})", count.recordings, count.patients);
}

}  // namespace

std::string rows_text(const ReadReport& rows) {
    std::int64_t rejected = 0;
    for (const auto& [reason, rejection] : rows.rejected) rejected += rejection.count;
    TextTable counts({"rows", "count"});
    counts.add({"read", std::to_string(rows.read)});
    counts.add({"filtered", std::to_string(rows.filtered)});
    counts.add({"rejected", std::to_string(rejected)});
    counts.add({"used", std::to_string(rows.used)});
    for (const auto& [kind, count] : rows.skipped) counts.add({kind, std::to_string(count)});
    std::string text = counts.text();
    if (rejected == 0) return text;
    TextTable reasons({"rejected because", "count", "lines"});
    for (const auto& [reason, rejection] : rows.rejected)
        reasons.add({reason, std::to_string(rejection.count), lines_text(rejection)});
    text += "\n\n" + reasons.text();
    for (const auto& [reason, rejection] : rows.rejected) text += "\nfirst: " + printable(rejection.first);
    return text;
}

std::string ranges_text(const ReadReport& rows) {
    TextTable table({"column", "smallest", "largest", "values", "missing"});
    for (const auto& [column, range] : rows.ranges) {
        const auto number = [&](double value) {
            return range.values > 0 ? fmt::format("{:.4g}", value) : "-";
        };
        table.add({column, number(range.minimum), number(range.maximum), std::to_string(range.values),
                   std::to_string(range.missing)});
    }
    return table.text();
}

std::string classes_text(const DataReport& report) {
    std::vector<std::string> header = {"recordings (patients)"};
    header.insert(header.end(), kSplitNames.begin(), kSplitNames.end());
    header.emplace_back("all");
    TextTable table(header);
    for (std::size_t c = 0; c < report.classes.size(); ++c) {
        std::vector<std::string> cells = {report.classes[c]};
        DataReport::ClassCount all;
        for (const DataReport::ClassCount& count : report.class_counts[c]) {
            cells.push_back(count_text(count));
            all.recordings += count.recordings;
            all.patients += count.patients;
        }
        cells.push_back(count_text(all));
        table.add(std::move(cells));
    }
    return table.text();
}

std::string components_text(const DataReport& report) {
    std::vector<std::string> header = {"component, labelled rows"};
    header.insert(header.end(), kSplitNames.begin(), kSplitNames.end());
    header.emplace_back("trained");
    TextTable table(header);
    for (const Component c : kAllComponents) {
        if (!is_task(c)) continue;
        std::vector<std::string> cells = {std::string(task_of(c).name)};
        for (const std::int64_t count : report.labels[c]) cells.push_back(std::to_string(count));
        cells.push_back(report.components[c]);
        table.add(std::move(cells));
    }
    return table.text();
}

}  // namespace abr
