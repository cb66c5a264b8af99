#include "engine/records/profile.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "engine/output/csv.hpp"
#include "engine/output/file.hpp"
#include "engine/output/text_table.hpp"

namespace abr {
namespace {

struct Line {
    std::string_view op;
    Profile::Cost cost;
};

// The ops that ran in a phase, the costliest first.
std::vector<Line> lines_of(const Profile& profile, std::size_t phase) {
    std::vector<Line> lines;
    for (const Profile::Op& op : profile.ops())
        if (op.phases[phase].calls > 0) lines.push_back({op.name, op.phases[phase]});
    std::ranges::stable_sort(lines,
                             [](const Line& a, const Line& b) { return a.cost.seconds > b.cost.seconds; });
    return lines;
}

double seconds_of(const std::vector<Line>& lines) {
    double seconds = 0;
    for (const Line& line : lines) seconds += line.cost.seconds;
    return seconds;
}

double seconds_of(const Profile& profile) {
    double seconds = 0;
    for (std::size_t phase = 0; phase < kPhases; ++phase) seconds += seconds_of(lines_of(profile, phase));
    return seconds;
}

// The share of a total that is 0 where nothing ran.
double share(double seconds, double total) {
    return total > 0 ? seconds / total : 0;
}

}  // namespace

void write_profile(const std::filesystem::path& path, const Profile& profile) {
    const double total = seconds_of(profile);
    const std::vector<std::string> columns = {"phase", "op", "calls", "seconds", "share"};
    CsvTable table(csv_header(columns));
    for (std::size_t phase = 0; phase < kPhases; ++phase)
        for (const Line& line : lines_of(profile, phase)) {
            CsvRow row;
            row.text(kPhaseNames[phase]).text(line.op).integer(line.cost.calls);
            table.append(row.number(line.cost.seconds).number(share(line.cost.seconds, total)));
        }
    write_file_atomically(path, table.bytes());
}

std::string profile_text(const Profile& profile) {
    const double total = seconds_of(profile);
    TextTable table({"time of each op", "calls", "seconds", "share"});
    const auto add = [&](std::string name, std::string calls, double seconds) {
        table.add({std::move(name), std::move(calls), fmt::format("{:.3f}", seconds),
                   fmt::format("{:.1f} %", 100 * share(seconds, total))});
    };
    for (std::size_t phase = 0; phase < kPhases; ++phase) {
        const auto lines = lines_of(profile, phase);
        if (lines.empty()) continue;
        add(std::string(kPhaseNames[phase]), "", seconds_of(lines));
        for (const Line& line : lines)
            add(fmt::format("  {}", line.op), fmt::format("{}", line.cost.calls), line.cost.seconds);
    }
    table.add_rule();
    add("all", "", total);
    return table.text();
}

}  // namespace abr
