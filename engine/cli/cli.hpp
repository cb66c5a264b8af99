// The command line: one file per command.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace abr {

// The exit codes of every command; a training run returns codes of its own, engine/training/run.hpp.
enum ExitCode : int {
    kExitDone = 0,
    kExitFailed = 1,
    kExitBadInput = 2,  // input, configuration or usage
    kExitCritical = 4,  // diagnose --strict: a critical finding stands
};

// Parses the arguments, runs the command and turns every error into a message on standard error and an exit
// code.
int run_cli(int argc, char** argv);

// Each declares a subcommand; the action runs it and returns its exit code.
struct Command {
    CLI::App* app;
    std::function<int()> action;
};
Command add_run_command(CLI::App& program);
Command add_synth_command(CLI::App& program);
Command add_import_command(CLI::App& program);
Command add_trace_command(CLI::App& program);
Command add_info_command(CLI::App& program);
Command add_config_command(CLI::App& program);
Command add_diagnose_command(CLI::App& program);
Command add_compare_command(CLI::App& program);
Command add_check_data_command(CLI::App& program);
Command add_predict_command(CLI::App& program);
Command add_evaluate_command(CLI::App& program);

}  // namespace abr
