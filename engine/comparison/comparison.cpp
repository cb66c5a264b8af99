#include "engine/comparison/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>

#include "engine/keys/load.hpp"

namespace abr {
namespace {

constexpr std::array<std::string_view, 5> kEpochColumns = {
    "train_loss_total", "val_loss_total", "val_f1_macro", "grad_norm_mean", "recordings_per_second"};

// The value of a row, empty where the table has none.
std::optional<double> value_at(const RunTable& table, std::string_view column, std::size_t row) {
    try {
        return row < table.rows() ? table.numbers(column)[row] : std::nullopt;
    } catch (const NotJudged&) {
        return std::nullopt;
    }
}

void require_all_columns(const RunTable& table) {
    table.require();
    for (const std::string& column : table.columns()) table.numbers(column);
}

// The names of columns that some run has, in the order in which they come.
template <class IsWanted>
std::vector<std::string> columns_of(std::span<const ComparedRun> runs, const RunTable RecordedRun::*table,
                                    const IsWanted& is_wanted) {
    std::vector<std::string> columns;
    for (const ComparedRun& run : runs) {
        for (const std::string& column : (run.run.*table).columns()) {
            if (is_wanted(column) && std::ranges::find(columns, column) == columns.end())
                columns.push_back(column);
        }
    }
    return columns;
}

void compare_settings(std::span<const ComparedRun> runs, Comparison& comparison) {
    for (const ComparedRun& run : runs) {
        if (!run.run.has_config()) return;
    }
    const Config& first = runs[0].run.config();
    for (std::size_t r = 1; r < runs.size(); ++r) {
        for (const ConfigDifference& difference : config_differences(first, runs[r].run.config())) {
            if (difference.key == "run.name") continue;
            auto setting = std::ranges::find(comparison.settings, difference.key, &Comparison::Setting::key);
            if (setting == comparison.settings.end()) {
                comparison.settings.push_back(
                    {difference.key, std::vector<std::string>(runs.size(), difference.first)});
                setting = comparison.settings.end() - 1;
            }
            setting->values[r] = difference.second;
        }
    }
}

// The row of the best epoch, which is the first of equals as it is in training.
std::optional<std::size_t> best_row(const RunTable& epochs) {
    const auto best_by = [&](std::string_view column, double sign) {
        std::optional<std::size_t> best;
        for (std::size_t row = 0; row < epochs.rows(); ++row) {
            const auto value = value_at(epochs, column, row);
            if (value && (!best || sign * *value > sign * *value_at(epochs, column, *best))) best = row;
        }
        return best;
    };
    const auto by_f1 = best_by("val_f1_macro", 1);
    return by_f1 ? by_f1 : best_by("val_loss_total", -1);
}

void compare_best(std::span<const ComparedRun> runs, Comparison& comparison) {
    std::vector<std::optional<std::size_t>> rows;
    for (const ComparedRun& run : runs) {
        const RunTable& epochs = run.run.epochs;
        rows.push_back(best_row(epochs));
        const auto epoch = rows.back() ? value_at(epochs, "epoch", *rows.back()) : std::nullopt;
        comparison.best_epoch.push_back(epoch ? std::optional(static_cast<std::int64_t>(*epoch))
                                              : std::nullopt);
    }
    const auto is_metric = [](std::string_view column) { return column.starts_with("val_"); };
    for (const std::string& column : columns_of(runs, &RecordedRun::epochs, is_metric)) {
        Comparison::Measure measure{column, {}};
        for (std::size_t r = 0; r < runs.size(); ++r)
            measure.values.push_back(rows[r] ? value_at(runs[r].run.epochs, column, *rows[r]) : std::nullopt);
        comparison.best.push_back(std::move(measure));
    }
}

void compare_first_steps(std::span<const ComparedRun> runs, Comparison& comparison) {
    const auto is_measure = [](std::string_view column) {
        return column.starts_with("loss_") || column == "grad_norm";
    };
    for (const std::string& column : columns_of(runs, &RecordedRun::steps, is_measure)) {
        Comparison::Measure measure{column, {}};
        for (const ComparedRun& run : runs) measure.values.push_back(value_at(run.run.steps, column, 0));
        comparison.first_step.push_back(std::move(measure));
    }
}

void compare_epochs(std::span<const ComparedRun> runs, Comparison& comparison) {
    std::map<std::int64_t, std::vector<std::optional<std::size_t>>> rows;  // epoch -> row in each run
    for (std::size_t r = 0; r < runs.size(); ++r) {
        for (std::size_t row = 0; row < runs[r].run.epochs.rows(); ++row) {
            const auto epoch = value_at(runs[r].run.epochs, "epoch", row);
            if (!epoch) continue;
            auto& of_epoch = rows[static_cast<std::int64_t>(*epoch)];
            of_epoch.resize(runs.size());
            of_epoch[r] = row;
        }
    }
    for (const auto& [epoch, row] : rows) {
        Comparison::Epoch compared{epoch, {}};
        for (const std::string_view column : kEpochColumns) {
            Comparison::Measure measure{std::string(column), {}};
            for (std::size_t r = 0; r < runs.size(); ++r)
                measure.values.push_back(row[r] ? value_at(runs[r].run.epochs, column, *row[r])
                                                : std::nullopt);
            compared.measures.push_back(std::move(measure));
        }
        comparison.epochs.push_back(std::move(compared));
    }
}

}  // namespace

double Comparison::first_step_difference(std::size_t run) const {
    constexpr double kSmallest = std::numeric_limits<double>::min();
    double largest = 0;
    for (const Measure& measure : first_step) {
        const auto &first = measure.values[0], &other = measure.values[run];
        if (!first && !other) continue;  // the component is not trained
        const double difference = first && other
                                      ? std::abs(*other - *first) / std::max(std::abs(*first), kSmallest)
                                      : std::numeric_limits<double>::quiet_NaN();
        if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
        largest = std::max(largest, difference);
    }
    return first_step.empty() ? std::numeric_limits<double>::infinity() : largest;
}

Comparison compare(std::span<const ComparedRun> runs) {
    Comparison comparison;
    for (const ComparedRun& run : runs) {
        comparison.runs.push_back(run.name);
        comparison.epochs_done.push_back(run.run.epochs.rows());
        const auto note = [&](const auto& needed) {
            try {
                needed();
            } catch (const NotJudged& reason) {
                comparison.missing.push_back(fmt::format("{}: {}", run.name, reason.what()));
            }
        };
        note([&] { run.run.config(); });
        note([&] { require_all_columns(run.run.epochs); });
        note([&] { require_all_columns(run.run.steps); });
    }
    compare_settings(runs, comparison);
    compare_best(runs, comparison);
    compare_first_steps(runs, comparison);
    compare_epochs(runs, comparison);
    return comparison;
}

}  // namespace abr
