// abr_engine config: checks a configuration and prints it resolved, or prints the reference of all keys.
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/config_arguments.hpp"
#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"

namespace abr {
namespace {

struct PrintArguments {
    ConfigArguments config;
    bool docs = false;
};

int print_config(const PrintArguments& arguments) {
    if (!arguments.docs && arguments.config.file.empty()) {
        throw InputError("config: name a configuration file, or give --docs; see abr_engine config --help");
    }
    fmt::print("{}", arguments.docs ? key_reference() : to_toml(arguments.config.load()));
    return kExitDone;
}

}  // namespace

Command add_config_command(CLI::App& program) {
    auto arguments = std::make_shared<PrintArguments>();
    CLI::App* app = program.add_subcommand("config", "Check a configuration and print all its values");
    CLI::Option* file = add_config_arguments(*app, arguments->config);
    app->add_flag("--docs", arguments->docs, "Print the reference of all keys (Markdown)")->excludes(file);
    return {app, [arguments] { return print_config(*arguments); }};
}

}  // namespace abr
