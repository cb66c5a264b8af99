// abr_engine check-data: reads and judges the data of a configuration without training on it.
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/config_arguments.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/load_recordings.hpp"
#include "engine/data/report.hpp"
#include "engine/data/report_text.hpp"
#include "engine/error.hpp"
#include "engine/input/row_joiner.hpp"
#include "engine/output/text_table.hpp"
#include "engine/training/setup.hpp"

namespace abr {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  abr_engine check-data configs/spreadsheet.toml --set data.path=clinic.csv\n"
    "  abr_engine check-data my.toml\n"
    "\n"
    "Every row is read, also behind a bad one. Exit code 0: a run would accept the data; 2: it would stop, "
    "with the\n"
    "reason as the last line. Warnings of what looks wrong do not stop a run.";

int check_data(const ConfigArguments& arguments) {
    const Config config = arguments.load();
    Config lenient = config;
    lenient.data.on_bad_row = OnBadRow::skip;
    lenient.data.max_bad_fraction = 1;
    ReadReport rows;
    Recordings recordings = load_recordings(lenient, rows);
    fmt::print("{}\n{} recordings of {} patients, {} samples of {} ms\n\n{}\n\n{}\n",
               config.data.path.empty() ? "the synthetic cohort" : config.data.path.string(), recordings.rows,
               recordings.patients.size(), recordings.length, recordings.sample_interval_ms, rows_text(rows),
               ranges_text(rows));
    for (const Suspicion& suspicion : rows.suspicions)
        fmt::print("\nwarning: {}\n", printable(suspicion_text(suspicion)));
    std::fflush(stdout);  // before a message on standard error

    const Dataset dataset = build_dataset(std::move(recordings), config);
    const DataReport report = make_data_report(dataset, rows, sampler_of(stages_of(config).front(), dataset));
    fmt::print("\n{}\n\n{}\n", classes_text(report), components_text(report));
    std::fflush(stdout);
    const TableForm form = config.data.source == DataSource::npz ? TableForm::arrays : TableForm::text;
    const std::string problem = bad_rows_problem({config.data.path, form}, config.data, rows);
    if (!problem.empty()) throw InputError(problem);
    fmt::print("\na run accepts these data\n");
    return kExitDone;
}

}  // namespace

Command add_check_data_command(CLI::App& program) {
    auto arguments = std::make_shared<ConfigArguments>();
    CLI::App* app =
        program.add_subcommand("check-data", "Read and judge the data of a configuration; trains nothing");
    app->footer(kFooter);
    add_config_arguments(*app, *arguments)->required();
    return {app, [arguments] { return check_data(*arguments); }};
}

}  // namespace abr
