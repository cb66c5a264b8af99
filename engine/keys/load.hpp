// Reading a configuration file, and writing a resolved one.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/error.hpp"

namespace abr {

// Where something is written.
struct SourcePlace {
    std::string source;  // the file, or "--set section.key=value"
    unsigned line = 0;   // from 1; 0 = the whole source
    unsigned column = 0;

    std::string text() const;  // "file:line:column" or the source alone
    auto operator<=>(const SourcePlace&) const = default;
};

// One thing that is wrong with a configuration.
struct ConfigProblem {
    SourcePlace place;
    std::string key;      // "section.key"; empty for a file that cannot be read or parsed
    std::string value;    // in TOML; empty where there is none
    std::string message;  // what is wrong and what is allowed
    std::string nearest;  // the valid key closest to an unknown one, or empty
    std::string remedy;   // what to do; may be empty where the message says it
};

// All problems of a configuration at once, in the order of their places; what() lists one a line.
class ConfigError : public InputError {
  public:
    explicit ConfigError(std::vector<ConfigProblem> problems);
    const std::vector<ConfigProblem>& problems() const { return problems_; }

  private:
    std::vector<ConfigProblem> problems_;
};

// Reads `file` and applies `overrides` ("section.key=value", a TOML value or else text) on top, in order. The
// result is complete, in range and free of contradictions; paths are absolute: below the file's folder, or
// below the current one if they come from an override. Throws ConfigError.
Config load_config(const std::filesystem::path& file, std::span<const std::string> overrides = {});

// The defaults with `overrides` on top.
Config load_defaults(std::span<const std::string> overrides);

// How to_toml begins.
inline constexpr std::string_view kResolvedConfiguration = "# The resolved configuration.";

// Every key with its value, in the order of the reference; reading it back gives the same configuration. All
// loss weights count as written then: set the weight of a component that was dropped for want of labels to 0
// first.
std::string to_toml(const Config& config);

// A key that has another value in another configuration: both values in TOML, empty where it has none.
struct ConfigDifference {
    std::string key;
    std::string first, second;
};
// All of them, in the order of the reference.
std::vector<ConfigDifference> config_differences(const Config& first, const Config& second);

}  // namespace abr
