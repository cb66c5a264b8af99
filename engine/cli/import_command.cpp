// abr_engine import: turns the files of recording devices into one file that the engine trains on.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/outputs.hpp"
#include "engine/error.hpp"
#include "engine/import/import.hpp"
#include "engine/import/import_report.hpp"
#include "engine/import/text_source.hpp"
#include "engine/input/table_message.hpp"
#include "engine/output/json.hpp"
#include "engine/output/text_table.hpp"

namespace abr {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  abr_engine import clinic/*.TXT --out clinic.npz\n"
    "      reads every average, says what it found, and writes what data.source = \"npz\" reads\n"
    "  abr_engine import clinic/*.TXT --window-ms 0:20 --interval-ms 0.1 --labels labels.csv --out "
    "clinic.npz\n"
    "      200 samples of 0.1 ms, as a network of the default layout takes them, with classes and "
    "thresholds\n"
    "      from a table such as\n"
    "        file,class,threshold_db\n"
    "        P3-10dB.TXT,SNHL,45\n"
    "  abr_engine import mouse.arf --interval-ms 0.04 --report mouse.json --out mouse.csv\n"
    "\n"
    "Layouts are known by how a file begins:\n"
    "{}"
    "docs/import.md says for each device what to export and what to check. Numbers are kept as the files "
    "have\n"
    "them, in uV; only --interval-ms resamples (with a filter against aliasing). Columns of the result "
    "beside\n"
    "the data contract's: stimulus_frequency_hz (0 = click), stimulus, polarity, sweeps, rejected_sweeps,\n"
    "repetition, channel, record, half_buffer, residual_noise_uv, first_sample_ms, source_file; only those "
    "that\n"
    "have a value.";

struct ImportArguments {
    ImportSettings settings;
    std::vector<std::string> files;
    std::string out, report, labels, window, unit;
    bool force = false;
};

std::pair<double, double> parse_window(const std::string& text) {
    const std::vector<std::string_view> parts = split(text, ':');
    double from = 0, to = 0;
    if (parts.size() != 2 || !CLI::detail::lexical_cast(std::string(parts[0]), from) ||
        !CLI::detail::lexical_cast(std::string(parts[1]), to))
        throw InputError(fmt::format("--window-ms {}: expected FROM:TO in ms after the stimulus, e.g. 0:20",
                                     quoted_value(text)));
    return {from, to};
}

int import_files(const ImportArguments& arguments) {
    ImportSettings settings = arguments.settings;
    if (!arguments.out.ends_with(".npz") && !arguments.out.ends_with(".csv"))
        throw InputError(
            fmt::format("--out {}: expected a name that ends in .npz (data.source = \"npz\") or .csv; "
                        "choose one",
                        quoted_value(arguments.out)));
    std::vector<NamedFile> inputs = {NamedFile{"", arguments.labels}};
    for (const std::string& file : arguments.files) inputs.push_back({{}, file});
    std::FILE* const messages =
        check_outputs({{"--out", arguments.out}, {"--report", arguments.report}}, inputs, arguments.force);
    settings.files.assign(arguments.files.begin(), arguments.files.end());
    settings.labels = arguments.labels;
    if (!arguments.window.empty()) settings.window_ms = parse_window(arguments.window);
    if (!arguments.unit.empty()) {
        settings.read.unit_uv = unit_in_uv(arguments.unit);
        if (!settings.read.unit_uv)
            throw InputError(
                fmt::format("--unit {}: expected V, mV, uV or nV", quoted_value(arguments.unit)));
    }
    ImportReport report;
    const ImportedTable table = import_recordings(settings, report);
    write_imported_table(arguments.out, table);
    if (!arguments.report.empty()) write_json(arguments.report, import_json(report, table));
    fmt::print(messages, "{}\n{}: written; look at it with abr_engine check-data\n",
               import_text(report, table), printable(arguments.out));
    return kExitDone;
}

std::string footer() {
    std::string list;
    for (const Layout* layout : layouts()) list += fmt::format("  {:<13}{}\n", layout->name, layout->title);
    return fmt::format(fmt::runtime(kFooter), list);
}

}  // namespace

Command add_import_command(CLI::App& program) {
    auto arguments = std::make_shared<ImportArguments>();
    ImportSettings& settings = arguments->settings;
    CLI::App* app =
        program.add_subcommand("import", "Turn recording devices' files into one NPZ or CSV file");
    app->footer(footer());
    app->add_option("FILES", arguments->files, "Files of one or several devices")->required();
    app->add_option("--out", arguments->out, "File to write: .npz or .csv")->required();
    app->add_option("--labels", arguments->labels, "CSV table of labels and patient data");
    app->add_option(
           "--labels-by", settings.label_keys,
           fmt::format("Its columns that say which recordings a line is for, of {}; by default file (and "
                       "record), otherwise all that it has",
                       fmt::join(kLabelKeys, ", ")))
        ->delimiter(',');
    app->add_option("--window-ms", arguments->window,
                    "FROM:TO after the stimulus; by default from it on, as long as the shortest recording");
    app->add_option("--interval-ms", settings.interval_ms, "Resample to this interval, under a filter")
        ->check(CLI::Range(1e-4, 10.0));
    app->add_option(
           "--half-buffers", settings.half_buffers,
           "What becomes of half buffers: noise (residual_noise_uv, the rms of half their difference), "
           "separate (two recordings instead of the average) or drop")
        ->transform(
            CLI::CheckedTransformer(std::map<std::string, HalfBuffers>{{"noise", HalfBuffers::noise},
                                                                       {"separate", HalfBuffers::separate},
                                                                       {"drop", HalfBuffers::drop}})
                .description(""))
        ->default_str("noise");
    app->add_option(
           "--subject", settings.subject,
           "What stands for the patient: header (the file's identifier, else its name), file or folder")
        ->transform(
            CLI::CheckedTransformer(std::map<std::string, SubjectFrom>{{"header", SubjectFrom::header},
                                                                       {"file", SubjectFrom::file},
                                                                       {"folder", SubjectFrom::folder}})
                .description(""))
        ->default_str("header");
    app->add_option(
           "--delay-ms", settings.delay_ms,
           "The sound comes so long after the stimulus of the file, e.g. 0.9 for an insert earphone's tube "
           "that the device does not count in")
        ->capture_default_str();
    app->add_option("--format", settings.format, "The files' layout, where its beginning does not tell");
    app->add_option("--unit", arguments->unit,
                    "Unit of the files' samples, V, mV, uV or nV, where they are wrong");
    app->add_option("--source-interval-ms", settings.read.interval_ms,
                    "Interval of the files' samples, where they do not say it or are wrong")
        ->check(CLI::Range(1e-4, 10.0));
    app->add_option(
        "--stimulus-ms", settings.read.stimulus_ms,
        "The stimulus, counted from the first sample, where the files do not say it or are wrong");
    app->add_option("--events", settings.read.events,
                    "Continuous recordings: the names of the events to average around; by default all, each "
                    "for itself")
        ->delimiter(',');
    app->add_option("--reject-uv", settings.read.reject_uv,
                    "Continuous recordings: epochs with a sample beyond it are left out")
        ->check(CLI::PositiveNumber);
    app->add_flag("--skip-bad", settings.skip_bad,
                  "Leave out and count what cannot be used, instead of stopping");
    app->add_option("--report", arguments->report,
                    "JSON file to write: counts, what was left out, mean curves");
    app->add_flag("--force", arguments->force, "Replace files that exist");
    return {app, [arguments] { return import_files(*arguments); }};
}

}  // namespace abr
