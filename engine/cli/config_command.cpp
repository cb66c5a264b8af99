// abr_engine config: checks a configuration and prints it resolved, or prints the reference of all keys.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"

namespace abr {
namespace {

struct ConfigArguments {
    std::string file;
    std::vector<std::string> overrides;
    bool docs = false;
};

int print_config(const ConfigArguments& arguments) {
    if (!arguments.docs && arguments.file.empty()) {
        throw InputError("config: name a configuration file, or give --docs; see abr_engine config --help");
    }
    fmt::print("{}",
               arguments.docs ? key_reference() : to_toml(load_config(arguments.file, arguments.overrides)));
    return kExitDone;
}

}  // namespace

Command add_config_command(CLI::App& program) {
    auto arguments = std::make_shared<ConfigArguments>();
    CLI::App* app = program.add_subcommand("config", "Check a configuration and print all its values");
    CLI::Option* file = app->add_option("CONFIG", arguments->file, "Configuration file (TOML)");
    app->add_option("--set", arguments->overrides, "Replace a value: section.key=value")
        ->allow_extra_args(false);
    app->add_flag("--docs", arguments->docs, "Print the reference of all keys (Markdown)")->excludes(file);
    return {app, [arguments] { return print_config(*arguments); }};
}

}  // namespace abr
