// One TOML value into the member of the configuration that its key names.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <toml++/toml.h>

#include "engine/keys/keys.hpp"

namespace abr {

struct ValueToRead {
    const toml::node& node;
    std::string name;  // last segment of the path: the class or column where any is allowed
    const std::filesystem::path& folder;  // what relative paths are below
    std::string written_at;               // for later messages
};

// What is wrong with the value, or nothing; the configuration is unchanged if something is.
std::optional<std::string> read_value(const Key& key, const ValueToRead& value, Config& config);

// "an integer", "a table" …: what a node is, for messages.
std::string found_text(const toml::node& node);

// The value in TOML on one line, shortened if long; empty for a table.
std::string node_text(const toml::node& node);

}  // namespace abr
