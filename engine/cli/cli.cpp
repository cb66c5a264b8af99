#include "engine/cli/cli.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/error.hpp"
#include "engine/input/csv_file.hpp"
#include "engine/version.hpp"

namespace abr {
namespace {

constexpr const char* kDescription =
    "ABR Engine: trains networks on auditory brainstem responses.\n"
    "From one recording it learns the class of hearing, wave V (existence, latency, amplitude), the hearing\n"
    "threshold, and the restored signal.";

constexpr const char* kFooter =
    "Examples:\n"
    "  abr_engine run configs/quickstart.toml\n"
    "      trains on the synthetic cohort; results go to runs/quickstart\n"
    "  abr_engine check-data configs/spreadsheet.toml --set data.path=clinic.csv\n"
    "      reads a spreadsheet saved as CSV and says what is in it and what is wrong with it\n"
    "  abr_engine import clinic/*.TXT --window-ms 0:20 --interval-ms 0.1 --labels labels.csv --out "
    "clinic.npz\n"
    "      reads the files that recording devices export (docs/import.md)\n"
    "  abr_engine run configs/spreadsheet.toml --set data.path=clinic.csv --experiment-name clinic\n"
    "      trains on a spreadsheet saved as CSV; results go to runs/clinic\n"
    "  abr_engine predict --checkpoint runs/clinic/checkpoints/best_f1.safetensors --data new.csv --out "
    "new_predictions.csv\n"
    "      applies the trained network to new recordings\n"
    "  abr_engine config configs/quickstart.toml --set training.epochs=5\n"
    "      checks a configuration and prints all its values\n"
    "  abr_engine synth --out cohort.csv --patients 400\n"
    "      writes a synthetic cohort in the engine's own CSV layout\n"
    "  abr_engine diagnose runs/quickstart\n"
    "      says what is wrong with a run and which lines of its configuration to change\n"
    "  abr_engine compare runs/before runs/after\n"
    "      shows runs side by side: the settings that differ and the best metrics\n"
    "\n"
    "Exit codes: 0 done; 1 the run failed; 2 bad input, configuration or usage; 3 interrupted, resumable;\n"
    "4 a critical finding with diagnose --strict; 130 on a second Ctrl-C.\n"
    "Every configuration key is explained in docs/configuration.md and by abr_engine config --docs.";

int report(int code, const std::string& message) {
    // Nothing is left to be done where even this cannot be written, as on a full disk.
    std::fputs(fmt::format("abr_engine: {}\n", message).c_str(), stderr);
    return code;
}

int run_action(const Command& command) {
    try {
        return command.action();
    } catch (const InputError& error) {
        return report(kExitBadInput, error.what());
    } catch (const std::bad_alloc&) {
        return report(kExitFailed, "not enough memory; use fewer recordings or a smaller network or batch");
    } catch (const std::exception& error) {
        return report(kExitFailed, error.what());
    }
}

}  // namespace

int run_cli(int argc, char** argv) {
    // A write beyond the limit on file size is an error to be reported like a full disk, not the end.
    std::signal(SIGXFSZ, SIG_IGN);
    end_on_truncated_mapping(kExitBadInput);
    CLI::App program(kDescription, "abr_engine");
    program.footer(kFooter);
    program.require_subcommand(1);
    program.set_version_flag("--version", fmt::format("abr_engine {}", kEngineVersion));
    const std::array commands = {
        add_run_command(program),     add_diagnose_command(program), add_compare_command(program),
        add_predict_command(program), add_evaluate_command(program), add_check_data_command(program),
        add_import_command(program),  add_synth_command(program),    add_config_command(program),
        add_trace_command(program),   add_info_command(program)};
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? kExitDone : kExitBadInput;
    }
    for (const Command& command : commands) {
        if (command.app->parsed()) return run_action(command);
    }
    return kExitBadInput;
}

}  // namespace abr
