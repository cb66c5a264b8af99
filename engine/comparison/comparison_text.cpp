// A comparison as tables for a screen, and as CSV.
#include <fmt/format.h>

#include "engine/comparison/comparison.hpp"
#include "engine/output/csv.hpp"
#include "engine/output/text_table.hpp"

namespace abr {
namespace {

std::string number_text(const std::optional<double>& value) {
    return value ? fmt::format("{:.4g}", *value) : "-";
}

// A name and a cell for each run.
template <class Values, class ToText>
std::vector<std::string> named_row(std::string name, const Values& values, const ToText& to_text) {
    std::vector<std::string> cells = {std::move(name)};
    for (const auto& value : values) cells.push_back(to_text(value));
    return cells;
}

TextTable table_of(const Comparison& comparison, std::string title) {
    return TextTable(named_row(std::move(title), comparison.runs, [](const auto& name) { return name; }));
}

std::string settings_text(const Comparison& comparison) {
    TextTable table = table_of(comparison, "settings that differ");
    for (const auto& setting : comparison.settings)
        table.add(named_row(setting.key, setting.values,
                            [](const std::string& value) { return value.empty() ? "-" : value; }));
    return table.text();
}

std::string best_text(const Comparison& comparison) {
    TextTable table = table_of(comparison, "best epoch");
    const auto integer_text = [](std::int64_t value) { return fmt::format("{}", value); };
    table.add(named_row("epochs", comparison.epochs_done,
                        [&](std::size_t epochs) { return integer_text(static_cast<std::int64_t>(epochs)); }));
    table.add(named_row("best", comparison.best_epoch,
                        [&](const auto& epoch) { return epoch ? integer_text(*epoch) : std::string("-"); }));
    for (const auto& measure : comparison.best)
        table.add(named_row(measure.column, measure.values, number_text));
    return table.text();
}

std::string first_step_text(const Comparison& comparison) {
    std::string text;
    for (std::size_t r = 1; r < comparison.runs.size(); ++r) {
        text += fmt::format("first step: largest relative difference of {} from {}: {:.2g}\n",
                            printable(comparison.runs[r]), printable(comparison.runs[0]),
                            comparison.first_step_difference(r));
    }
    return text;
}

std::string epochs_text(const Comparison& comparison) {
    std::vector<std::string> header = {"epoch"};
    if (comparison.epochs.empty()) return {};
    for (const auto& measure : comparison.epochs.front().measures) header.push_back(measure.column);
    TextTable table(std::move(header));
    for (const auto& epoch : comparison.epochs) {
        table.add(named_row(fmt::format("{}", epoch.epoch), epoch.measures, [](const auto& measure) {
            std::string cell;
            for (const auto& value : measure.values) cell += (cell.empty() ? "" : " | ") + number_text(value);
            return cell;
        }));
    }
    return "\n\n" + table.text();
}

}  // namespace

std::string to_text(const Comparison& comparison, bool with_epochs) {
    std::string text;
    for (const std::string& what : comparison.missing) text += printable(what) + '\n';
    text += settings_text(comparison) + "\n\n" + first_step_text(comparison) + '\n' + best_text(comparison);
    return with_epochs ? text + epochs_text(comparison) : text;
}

std::string to_csv(const Comparison& comparison) {
    CsvRow header;
    header.text("kind").text("name").text("epoch");
    for (const std::string& run : comparison.runs) header.text(run);
    CsvTable table(header);
    for (const auto& setting : comparison.settings) {
        CsvRow row;
        row.text("setting").text(setting.key).empty();
        for (const std::string& value : setting.values) row.text(value);
        table.append(row);
    }
    CsvRow best;
    best.text("best").text("epoch").empty();
    for (const auto& epoch : comparison.best_epoch) epoch ? best.integer(*epoch) : best.empty();
    table.append(best);
    const auto append = [&](std::string_view kind, const Comparison::Measure& measure,
                            std::optional<std::int64_t> epoch) {
        CsvRow row;
        row.text(kind).text(measure.column);
        epoch ? row.integer(*epoch) : row.empty();
        for (const auto& value : measure.values) row.number(value);
        table.append(row);
    };
    for (const auto& measure : comparison.best) append("best", measure, std::nullopt);
    for (const auto& measure : comparison.first_step) append("first_step", measure, std::nullopt);
    for (const auto& epoch : comparison.epochs)
        for (const auto& measure : epoch.measures) append("epoch", measure, epoch.epoch);
    return table.bytes();
}

}  // namespace abr
