// abr_engine trace: what the first training batches hold and what the network makes of them.
#include <memory>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/config_arguments.hpp"
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
};

}  // namespace

Command add_trace_command(CLI::App& program) {
    auto arguments = std::make_shared<TraceArguments>();
    CLI::App* app = program.add_subcommand("trace", "Write a training step's inputs, outputs and gradients");
    app->footer(kFooter);
    add_config_arguments(*app, arguments->config)->required();
    app->add_option("--out", arguments->options.out, "File to write (safetensors)")->required();
    app->add_option("--checkpoint", arguments->options.checkpoint, "Parameters [the initial ones]");
    app->add_option("--batches", arguments->options.batches, "Batches whose inputs are written")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    return {app, [arguments] {
                const Session session(arguments->config.load());
                fmt::print("{}\n", session.backend.line());
                write_step_trace(session, arguments->options);
                return kExitDone;
            }};
}

}  // namespace abr
