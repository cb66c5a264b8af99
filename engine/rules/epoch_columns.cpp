#include "engine/rules/epoch_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace abr {

EpochColumns::EpochColumns(const RecordedRun& run)
    : table_(run.epochs), first_(run.stage_row()), done_(run.epochs.rows() - first_) {
    const auto epochs = cells("epoch");
    if (done_ == 0) throw NotJudged("no epoch is complete yet");
    for (std::size_t row = 0; row < done_; ++row) {
        if (!epochs[row] || (row > 0 && *epochs[row] <= *epochs[row - 1]))
            throw NotJudged("the rows of epochs.csv are not in the order of their epochs");
    }
}

Rows EpochColumns::last(std::size_t n) const {
    if (done_ < n) throw NotJudged(fmt::format("fewer than {} epochs are complete", n));
    return {done_ - n, done_};
}

std::span<const std::optional<double>> EpochColumns::cells(std::string_view column) const {
    return table_.numbers(column).subspan(first_);
}

std::vector<double> EpochColumns::values(std::string_view column, Rows rows) const {
    const auto in_rows = cells(column);
    std::vector<double> values;
    for (std::size_t row = rows.first; row < rows.end; ++row) {
        if (!in_rows[row])
            throw NotJudged(
                fmt::format("column {} of epochs.csv is empty in row {}", column, first_ + row + 1));
        values.push_back(*in_rows[row]);
    }
    return values;
}

std::optional<double> EpochColumns::cell(std::string_view column, std::size_t row) const {
    return cells(column)[row];
}

double EpochColumns::weight(Component component, std::size_t row) const {
    const std::string column = column_of("weight_", component);
    return table_.has(column) ? value(column, row) : 0;  // a further loss that is off has no columns
}

bool EpochColumns::is_steady(Rows rows) const {
    for (const Component c : kAllComponents) {
        const std::string column = column_of("weight_", c);
        if (!is_task(c) && !table_.has(column)) continue;
        const auto weights = values(column, rows);
        if (std::ranges::any_of(weights, [&](double weight) { return weight != weights.front(); }))
            return false;
    }
    const auto rates = values("learning_rate", {0, rows.end});
    bool has_fallen = false;
    for (std::size_t row = 1; row < rows.end; ++row) {
        if (rates[row] > rates[row - 1] && has_fallen && row > rows.first) return false;
        has_fallen = has_fallen || rates[row] < rates[row - 1];
    }
    return true;
}

std::optional<std::size_t> EpochColumns::full_weight_since(Component component) const {
    const std::string column = column_of("weight_", component);
    if (!is_task(component) && !table_.has(column)) return std::nullopt;
    const auto weights = values(column, all());
    if (weights.back() <= 0) return std::nullopt;
    std::size_t row = done_ - 1;
    while (row > 0 && weights[row - 1] == weights.back()) --row;
    return row;
}

double EpochColumns::best_f1(std::size_t end) const {
    std::optional<double> best;
    for (std::size_t row = 0; row < end; ++row) {
        const auto f1 = cell("val_f1_macro", row);
        if (f1 && !(best && *best >= *f1)) best = f1;
    }
    if (!best) throw NotJudged("val_f1_macro was not measured");
    return *best;
}

double EpochColumns::majority_f1() const {
    return value("val_f1_macro_majority", done_ - 1);
}

std::string column_of(std::string_view prefix, Component component) {
    return fmt::format("{}{}", prefix, kComponentNames[static_cast<std::size_t>(component)]);
}

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double slope(const std::vector<double>& values) {
    const double centre = (static_cast<double>(values.size()) - 1) / 2;
    double products = 0, squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double x = static_cast<double>(i) - centre;
        products += x * values[i];
        squares += x * x;
    }
    return products / squares;
}

double relative_slope(const std::vector<double>& values) {
    const double average = mean(values);
    return average == 0 ? 0 : slope(values) / average;
}

}  // namespace abr
