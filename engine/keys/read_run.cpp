#include "engine/keys/read_run.hpp"

#include <fmt/format.h>

#include "engine/keys/load.hpp"

namespace abr {
namespace {

RecordedConfig read_config(const std::filesystem::path& file) {
    try {
        return {load_config(file), {}};
    } catch (const InputError& problem) {
        std::error_code error;
        return {{},
                std::filesystem::exists(file, error)
                    ? fmt::format("config.toml cannot be used: {}", problem.what())
                    : "config.toml is missing"};
    }
}

}  // namespace

RecordedRun read_run(const std::filesystem::path& folder) {
    return {folder, read_config(folder / "config.toml")};
}

}  // namespace abr
