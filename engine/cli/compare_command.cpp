// abr_engine compare: runs side by side.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/outputs.hpp"
#include "engine/comparison/comparison.hpp"
#include "engine/error.hpp"
#include "engine/keys/read_run.hpp"
#include "engine/output/file.hpp"

namespace abr {
namespace {

struct CompareArguments {
    std::vector<std::string> runs;
    std::string csv;
    bool epochs = false;
    bool force = false;
    double first_step = std::numeric_limits<double>::infinity();  // tolerance
};

// Folders by their name, or by the path that was given where two have the same name.
std::vector<ComparedRun> read_runs(const std::vector<std::string>& folders) {
    std::vector<ComparedRun> runs;
    for (std::size_t i = 0; i < folders.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            std::error_code error;
            if (std::filesystem::equivalent(folders[i], folders[j], error))
                throw InputError(fmt::format("compare: {} is named twice; name different runs", folders[i]));
        }
        RecordedRun run = read_run(folders[i]);
        std::string name = run.run_name();
        runs.push_back({std::move(name), std::move(run)});
    }
    std::vector<std::string> names;
    for (const ComparedRun& run : runs) names.push_back(run.name);
    for (std::size_t i = 0; i < runs.size(); ++i)
        if (std::ranges::count(names, names[i]) > 1) runs[i].name = folders[i];
    return runs;
}

int compare_runs(const CompareArguments& arguments) {
    std::vector<NamedFile> inputs;
    for (const std::string& run : arguments.runs)
        for (NamedFile& file : files_below(run)) inputs.push_back(std::move(file));
    std::FILE* const messages = check_outputs({{"--csv", arguments.csv}}, inputs, arguments.force);
    const Comparison comparison = compare(read_runs(arguments.runs));
    fmt::print(messages, "{}\n", to_text(comparison, arguments.epochs));
    if (!arguments.csv.empty()) {
        write_file_atomically(arguments.csv, to_csv(comparison));
        fmt::print(messages, "written to {}\n", arguments.csv);
    }
    if (arguments.first_step == CompareArguments().first_step) return kExitDone;
    for (std::size_t r = 1; r < comparison.runs.size(); ++r) {
        if (!(comparison.first_step_difference(r) <= arguments.first_step) ||
            comparison.epochs_done[r] != comparison.epochs_done[0])
            return kExitFailed;
    }
    return kExitDone;
}

}  // namespace

Command add_compare_command(CLI::App& program) {
    auto arguments = std::make_shared<CompareArguments>();
    CLI::App* app = program.add_subcommand("compare", "Show runs side by side: settings and best metrics");
    app->footer(
        "Examples:\n"
        "  abr_engine compare runs/before runs/after\n"
        "      shows the settings that differ, and the metrics of each run's best epoch\n"
        "  abr_engine compare runs/cpu runs/cuda --epochs --first-step 1e-4\n"
        "      also every epoch; exits with 1 unless both took the same first step and as many epochs");
    app->add_option("RUN", arguments->runs, "Folders of two or more runs")->required()->expected(2, 1000);
    app->add_option("--csv", arguments->csv, "Also write the comparison, with every epoch, to this CSV file");
    add_force_flag(*app, arguments->force);
    app->add_flag("--epochs", arguments->epochs, "Show every epoch, the runs' values beside each other");
    app->add_option(
           "--first-step", arguments->first_step,
           "Exit with 1 where the losses or the gradient norm of a run's first step differ by more than "
           "this from the first run's, relative to it, or the number of epochs does")
        ->check(CLI::NonNegativeNumber);
    return {app, [arguments] { return compare_runs(*arguments); }};
}

}  // namespace abr
