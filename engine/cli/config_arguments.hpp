// A configuration file and what replaces values of it, as every command takes them that reads one.
#pragma once

#include <string>
#include <vector>

#include "engine/config/config.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace abr {

struct ConfigArguments {
    std::string file;
    std::vector<std::string> overrides;  // section.key=value

    Config load() const;  // throws InputError
};

// Declares CONFIG and --set, which fill `arguments`; gives the former, which is not required yet.
CLI::Option* add_config_arguments(CLI::App&, ConfigArguments& arguments);

}  // namespace abr
