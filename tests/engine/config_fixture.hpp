// Configurations from their text.
#pragma once

#include <string>
#include <vector>

#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"
#include "tests/engine/output_files.hpp"

namespace abr::test {

inline std::filesystem::path write_config(const TemporaryFolder& folder, const std::string& text,
                                          const std::string& name = "run.toml") {
    put(folder.path / name, text);
    return folder.path / name;
}

inline Config load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    const TemporaryFolder folder;
    return load_config(write_config(folder, text), overrides);
}

inline std::vector<ConfigProblem> problems(const std::string& text,
                                           const std::vector<std::string>& overrides = {}) {
    try {
        load(text, overrides);
    } catch (const ConfigError& error) {
        return error.problems();
    }
    return {};
}

// The keys of the problems, which is what tells one rule from another.
inline std::vector<std::string> problem_keys(const std::string& text,
                                             const std::vector<std::string>& overrides = {}) {
    std::vector<std::string> keys;
    for (const ConfigProblem& problem : problems(text, overrides)) keys.push_back(problem.key);
    return keys;
}

using Keys = std::vector<std::string>;

}  // namespace abr::test
