// abr_engine diagnose: what is wrong with a run, the numbers that show it, and which lines to change.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/outputs.hpp"
#include "engine/diagnostics/report.hpp"
#include "engine/error.hpp"
#include "engine/keys/read_run.hpp"
#include "engine/output/text_table.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

struct DiagnoseArguments {
    std::string run;
    std::string output_dir;
    bool strict = false;
    bool force = false;
    bool docs = false;
    bool as_set = false;
};

void print(const Diagnosis& diagnosis) {
    fmt::print("{}: {}, {} epochs\n", printable(diagnosis.run), diagnosis.verdict(), diagnosis.epochs);
    for (const Finding& finding : diagnosis.findings) {
        fmt::print("{}{}\n", finding.caused_by.empty() ? "" : "  ", printable(one_line(finding)));
    }
    for (const NotJudgedRule& rule : diagnosis.not_judged)
        fmt::print("not judged: {}, {}\n", rule.rule, printable(rule.because));
}

int diagnose_run(const DiagnoseArguments& arguments) {
    if (arguments.docs) {
        fmt::print("{}", rule_reference());
        return kExitDone;
    }
    if (arguments.run.empty()) {
        throw InputError("diagnose: name the folder of a run, such as runs/quickstart, or give --docs");
    }
    const RecordedRun run = read_run(arguments.run);
    for (const std::string& file : run.half_written())
        fmt::print(stderr, "{}: the last line is half-written and left out\n", file);
    const Diagnosis diagnosis = diagnose(run);
    if (arguments.as_set) {
        fmt::print("{}\n", as_set_arguments(diagnosis));
        return kExitDone;
    }
    std::filesystem::path folder = arguments.run;
    if (!arguments.output_dir.empty()) {
        folder = arguments.output_dir;
        std::error_code error;
        std::filesystem::create_directories(folder, error);
        if (error)
            throw InputError(
                fmt::format("--output-dir {}: cannot be made ({})", folder.string(), error.message()));
    }
    // In the run folder the two files are the program's own.
    std::error_code error;
    if (!std::filesystem::equivalent(folder, arguments.run, error))
        check_outputs(
            {{"--output-dir", folder / "diagnostics.json"}, {"--output-dir", folder / "diagnostics.md"}},
            files_below(arguments.run), arguments.force);
    write_diagnosis(folder, diagnosis);
    print(diagnosis);
    fmt::print("written to {}\n", (folder / "diagnostics.md").string());
    const bool critical = diagnosis.verdict() == severity_name(Severity::critical);
    return arguments.strict && critical ? kExitCritical : kExitDone;
}

}  // namespace

Command add_diagnose_command(CLI::App& program) {
    auto arguments = std::make_shared<DiagnoseArguments>();
    CLI::App* app = program.add_subcommand("diagnose", "Say what is wrong with a run and what to change");
    app->footer(
        "Examples:\n"
        "  abr_engine diagnose runs/quickstart\n"
        "      judges a finished, running or broken run; writes diagnostics.json and diagnostics.md into it\n"
        "  abr_engine diagnose runs/quickstart --output-dir elsewhere --strict\n"
        "      leaves the run folder alone; exits with 4 when a critical finding stands\n"
        "  abr_engine run FILE.toml $(abr_engine diagnose runs/quickstart --as-set)\n"
        "      runs again with what the first finding advises");
    CLI::Option* run = app->add_option("RUN", arguments->run, "Folder of the run");
    CLI::Option* output_dir =
        app->add_option("--output-dir", arguments->output_dir, "Where the two files go [the run folder]");
    CLI::Option* strict =
        app->add_flag("--strict", arguments->strict, "Exit with 4 when a critical finding stands");
    add_force_flag(*app, arguments->force);
    app->add_flag("--as-set", arguments->as_set,
                  "Write nothing; print the first finding's advice as --set arguments, and nothing else")
        ->excludes(output_dir)
        ->excludes(strict);
    app->add_flag("--docs", arguments->docs, "Print the reference of all rules (Markdown)")->excludes(run);
    return {app, [arguments] { return diagnose_run(*arguments); }};
}

}  // namespace abr
