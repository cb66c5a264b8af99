#include "engine/cli/config_arguments.hpp"

#include <CLI/CLI.hpp>

#include "engine/keys/load.hpp"

namespace abr {

Config ConfigArguments::load() const {
    return load_config(file, overrides);
}

CLI::Option* add_config_arguments(CLI::App& app, ConfigArguments& arguments) {
    app.add_option("--set", arguments.overrides,
                   "Replace a value: section.key=value, stages.NAME.section.key=value")
        ->allow_extra_args(false);
    return app.add_option("CONFIG", arguments.file, "Configuration file (TOML)");
}

}  // namespace abr
