// abr_engine trace: what the first training batches hold and what the network makes of them.
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/config_arguments.hpp"
#include "engine/cli/outputs.hpp"
#include "engine/training/step_trace.hpp"

namespace abr {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  abr_engine trace configs/quickstart.toml --out trace.safetensors\n"
    "  abr_engine trace configs/quickstart.toml --set model.dropout=0 --out trace.safetensors \\\n"
    "      --checkpoint runs/quickstart/checkpoints/last.safetensors --batches 20\n"
    "\n"
    "The file holds inputs and targets of each batch, and of the first one every output, loss and "
    "parameter's\n"
    "gradient, so that another implementation can be held against this one (bench/compare_pytorch.py).";

struct TraceArguments {
    ConfigArguments config;
    TraceOptions options;
    bool force = false;
};

}  // namespace

Command add_trace_command(CLI::App& program) {
    auto arguments = std::make_shared<TraceArguments>();
    CLI::App* app = program.add_subcommand("trace", "Write a training step's inputs, outputs and gradients");
    app->footer(kFooter);
    add_config_arguments(*app, arguments->config)->required();
    app->add_option("--out", arguments->options.out, "File to write (safetensors)")->required();
    add_force_flag(*app, arguments->force);
    app->add_option("--checkpoint", arguments->options.checkpoint, "Parameters [the initial ones]");
    app->add_option("--batches", arguments->options.batches, "Batches whose inputs are written")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    return {app, [arguments] {
                const Config config = arguments->config.load();
                std::vector<NamedFile> inputs = inputs_of(arguments->config.file, config);
                inputs.push_back({"--checkpoint", arguments->options.checkpoint});
                std::FILE* const messages =
                    check_outputs({{"--out", arguments->options.out}}, inputs, arguments->force);
                const Session session(config);
                fmt::print(messages, "{}\n", session.backend.line());
                write_step_trace(session, arguments->options);
                return kExitDone;
            }};
}

}  // namespace abr
