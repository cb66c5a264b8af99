// abr_engine synth: writes a synthetic cohort, or shows how well it reproduces the published statistics.
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/outputs.hpp"
#include "engine/error.hpp"
#include "engine/output/recordings_csv.hpp"
#include "engine/synthetic/cohort.hpp"
#include "engine/synthetic/validation.hpp"

namespace abr {
namespace {

struct SynthArguments {
    std::string out;
    std::string preset = "B";
    SyntheticSettings settings;
    bool latents = false;
    bool table = false;
    bool force = false;
};

int synthesise(const SynthArguments& arguments) {
    if (arguments.out.empty() && !arguments.table) {
        throw InputError(
            "synth: name the file to write with --out FILE.csv, or ask for the table with --table");
    }
    std::FILE* const messages = check_outputs({{"--out", arguments.out}}, {}, arguments.force);
    SyntheticSettings settings = arguments.settings;
    settings.preset = arguments.preset.front();
    cpu::Stream stream;
    Latents latents;
    const Recordings cohort = generate_cohort(settings, stream, &latents);
    if (!arguments.out.empty()) {
        const std::vector<std::string> classes(std::begin(kCohortClasses), std::end(kCohortClasses));
        const std::vector<NamedColumn> extra =
            arguments.latents ? latents.columns() : std::vector<NamedColumn>{};
        write_recordings_csv(arguments.out, cohort, classes, stream, extra);
        fmt::print(messages, "{}: {} recordings of {} patients, {} samples of {} ms\n", arguments.out,
                   cohort.rows, cohort.patients.size(), cohort.length, cohort.sample_interval_ms);
    }
    if (arguments.table) print_cohort_table(messages, measure_cohort(cohort, latents));
    return kExitDone;
}

}  // namespace

Command add_synth_command(CLI::App& program) {
    auto arguments = std::make_shared<SynthArguments>();
    SyntheticSettings& settings = arguments->settings;
    CLI::App* app = program.add_subcommand("synth", "Write a synthetic cohort as CSV");
    app->footer(
        "Examples:\n"
        "  abr_engine synth --out cohort.csv\n"
        "      the full cohort, 51,961 recordings of 2,038 patients, about 230 MB\n"
        "  abr_engine synth --out small.csv --patients 100 --seed 7 --preset A --latents\n"
        "  abr_engine synth --table\n"
        "      generates the cohort and compares it with the published statistics; writes no file");
    app->add_option("--out", arguments->out, "CSV file to write");
    add_force_flag(*app, arguments->force);
    app->add_option("--patients", settings.patients, "Size of the cohort, about 25 recordings each")
        ->check(CLI::Range(kFewestCohortPatients, kMostCohortPatients))
        ->capture_default_str();
    app->add_option("--seed", settings.seed, "Seed of the cohort")
        ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()))
        ->capture_default_str();
    app->add_option("--preset", arguments->preset, "A: 20 kHz, 0-10 ms, clicks only; B: 10 kHz, 0-20 ms")
        ->check(CLI::IsMember({"A", "B"}))
        ->capture_default_str();
    app->add_flag("--latents", arguments->latents, "Add the columns that only the generator knows");
    app->add_flag("--table", arguments->table, "Print the cohort's statistics beside the published ones");
    return {app, [arguments] { return synthesise(*arguments); }};
}

}  // namespace abr
