// abr_engine run: one training run.
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/config_arguments.hpp"
#include "engine/error.hpp"
#include "engine/keys/keys.hpp"
#include "engine/training/run.hpp"

namespace abr {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  abr_engine run configs/quickstart.toml\n"
    "  abr_engine run configs/quickstart.toml --experiment-name slow --set optimizer.learning_rate=1e-4\n"
    "  abr_engine run configs/spreadsheet.toml --set data.path=clinic.csv --output-dir results\n"
    "\n"
    "A value of --set is TOML, else text; it may be given several times, the last one counts. A relative "
    "path in\n"
    "it is below the current folder, one in the file below the file's folder.\n"
    "An existing run folder is never overwritten: the next free name (name-2 ...) is taken. --resume goes "
    "on\n"
    "with the run in the folder of exactly that name, under the same configuration; only run.threads, "
    "run.backend\n"
    "and a larger training.epochs (of the last stage) may change. It begins a run where there is none, and "
    "does nothing to a "
    "finished "
    "one.\n"
    "The run folder's config.toml holds every value; running it again repeats the run.";

struct RunArguments {
    ConfigArguments config;
    std::string experiment_name;
    bool has_name = false;
    std::string output_dir = "runs";
    bool resume = false;
    bool quiet = false;
    bool verbose = false;
    bool profile = false;
};

int start_run(RunArguments arguments) {
    if (arguments.output_dir.empty()) throw InputError("--output-dir is empty; name a folder, such as runs");
    if (arguments.has_name) {
        arguments.config.overrides.push_back("run.name=" + toml_string(arguments.experiment_name));
    }
    const Config config = arguments.config.load();
    RunOptions options;
    options.name = config.run.name;
    options.output_dir = arguments.output_dir;
    options.resume = arguments.resume;
    options.verbosity = arguments.quiet     ? Verbosity::quiet
                        : arguments.verbose ? Verbosity::verbose
                                            : Verbosity::normal;
    options.profile = arguments.profile;
    return run_training(config, options);
}

}  // namespace

Command add_run_command(CLI::App& program) {
    auto arguments = std::make_shared<RunArguments>();
    CLI::App* app = program.add_subcommand("run", "Train a network as a configuration file says");
    app->footer(kFooter);
    add_config_arguments(*app, arguments->config)->required();
    CLI::Option* name = app->add_option("--experiment-name", arguments->experiment_name,
                                        "Name of the run folder [the file's stem]");
    app->add_option("--output-dir", arguments->output_dir, "Where the run folder is made")
        ->capture_default_str();
    app->add_flag("--resume", arguments->resume, "Go on with the run in that folder, bit by bit");
    CLI::Option* quiet = app->add_flag("--quiet", arguments->quiet, "Print warnings and errors only");
    app->add_flag("--verbose", arguments->verbose, "Print every loss component")->excludes(quiet);
    app->add_flag("--profile", arguments->profile,
                  "Print at the end, and write to profile.csv, the time of each op in each phase");
    return {app, [arguments, name] {
                arguments->has_name = name->count() > 0;
                return start_run(*arguments);
            }};
}

}  // namespace abr
