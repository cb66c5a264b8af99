// abr_engine evaluate: every metric of a trained network on labelled recordings.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/prediction_arguments.hpp"
#include "engine/error.hpp"
#include "engine/output/csv.hpp"
#include "engine/output/file.hpp"
#include "engine/output/text_table.hpp"
#include "engine/prediction/bootstrap.hpp"
#include "engine/records/tables.hpp"
#include "engine/training/row_metrics.hpp"

namespace abr {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  abr_engine evaluate --checkpoint runs/clinic/checkpoints/best_f1.safetensors --data other_clinic.csv"
    " --out metrics.csv\n"
    "  abr_engine evaluate --checkpoint runs/clinic/checkpoints/best_f1.safetensors --data clinic.csv\n"
    "      --split-file runs/clinic/split.csv --part test --out metrics.csv\n"
    "\n"
    "Metrics are named and defined as in epochs.csv, without val_. The 95 % intervals are percentiles of "
    "1,000\n"
    "bootstrap samples of patients; --set run.seed=N draws others. Losses have none. A metric that the data "
    "cannot\n"
    "give has the reason in the last column. --by-level writes the columns of a run's by_level.csv.";

void check_labelled(const Predictor& predictor, const std::string& file) {
    const SplitView split = predictor.split();
    for (const Component c : kAllComponents) {
        if (c != Component::signal && split.dropped[c].empty() && split.data.labelled(c) > 0) return;
    }
    throw InputError(
        fmt::format("{}: no recording has a label that this network predicts (class, wave V, threshold): "
                    "there is nothing to measure it against; use abr_engine predict",
                    file));
}

int evaluate(const PredictionArguments& arguments, const std::string& levels) {
    const PredictionRequest request = arguments.checked();
    std::FILE* const messages = arguments.check_files({{"--by-level", levels}});
    Predictor predictor(request);
    check_labelled(predictor, request.data.string());
    const Evaluation evaluation = predictor.measure();
    const SplitView split = predictor.split();
    cpu::Stream stream(predictor.threads());
    const EvaluationSettings& settings = predictor.checkpoint().evaluation;
    const auto intervals = bootstrap_intervals(split, evaluation, settings, predictor.seed(), stream);

    CsvTable file(
        csv_header(std::vector<std::string>{"metric", "value", "low_95", "high_95", "absent_because"}));
    TextTable table({"metric", "value", "95 % interval"});
    for_each_metric(
        metrics_of(split, evaluation, settings), split.classes,
        [&](const std::string& name, const Metric& metric) {
            const auto interval = intervals.find(name);
            const bool known = metric.value && interval != intervals.end();
            CsvRow row;
            row.text(name).number(metric.value);
            known ? row.number(interval->second.low).number(interval->second.high) : row.empty().empty();
            file.append(row.text(metric.reason));
            table.add(
                {name, metric.value ? fmt::format("{:.4g}", *metric.value) : "-",
                 known ? fmt::format("{:.4g} to {:.4g}", interval->second.low, interval->second.high) : "-"});
        });
    write_file_atomically(arguments.out, file.bytes());
    if (!levels.empty())
        write_by_level(levels, split.classes, metrics_by_level(split, evaluation, settings, arguments.part));
    fmt::print(messages, "{}\n{}\n{}\n{}: {} recordings of {} patients measured\n",
               predictor.backend().line(),
               rows_line(request.data.string(), predictor.report(), split.data.rows), table.text(),
               arguments.out, split.data.rows, predictor.patients_measured());
    return kExitDone;
}

}  // namespace

Command add_evaluate_command(CLI::App& program) {
    CLI::App* app = program.add_subcommand("evaluate", "Measure a trained network on labelled recordings");
    app->footer(kFooter);
    auto arguments = add_prediction_arguments(*app, "CSV file of metrics to write");
    auto levels = std::make_shared<std::string>();
    app->add_option("--by-level", *levels, "CSV file of the metrics by stimulus level and class to write");
    return {app, [arguments, levels] { return evaluate(*arguments, *levels); }};
}

}  // namespace abr
