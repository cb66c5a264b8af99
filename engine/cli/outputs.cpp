#include "engine/cli/outputs.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "engine/error.hpp"
#include "engine/keys/keys.hpp"
#include "engine/output/file.hpp"

namespace abr {
namespace {

namespace fs = std::filesystem;

// What stands behind a name.
struct Place {
    std::optional<struct stat> status;  // nothing where nothing is there
    fs::path path;                      // canonical, as far as it is there

    explicit Place(const fs::path& named) {
        struct stat found {};
        const int own = own_descriptor(named);
        if ((own >= 0 ? ::fstat(own, &found) : ::stat(named.c_str(), &found)) == 0) status = found;
        std::error_code error;
        path = fs::weakly_canonical(fs::absolute(link_target(named), error), error);
    }
    bool is(mode_t kind) const { return status && (status->st_mode & S_IFMT) == kind; }
};

bool is_same(const Place& a, const Place& b) {
    if (a.is(S_IFCHR)) return false;  // reading a terminal and writing to it harm nothing
    if (a.status && b.status)
        return a.status->st_dev == b.status->st_dev && a.status->st_ino == b.status->st_ino;
    return !a.status && !b.status && a.path == b.path;
}

[[noreturn]] void refuse(const NamedFile& output, const std::string& because) {
    throw InputError(fmt::format("{} {}: {}", output.name, output.path.string(), because));
}

void check_place(const NamedFile& output, const Place& place, bool force) {
    if (place.is(S_IFDIR)) refuse(output, "is a folder; name a file in it");
    if (!place.status) {
        std::error_code error;
        if (!fs::is_directory(place.path.parent_path(), error))
            refuse(output,
                   fmt::format("there is no folder {}; make it first", place.path.parent_path().string()));
        return;
    }
    if (place.is(S_IFREG) && own_descriptor(output.path) < 0 && !force)
        refuse(output, "exists; choose another name, or replace it with --force");
}

}  // namespace

std::FILE* check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs,
                         bool force) {
    std::FILE* messages = stdout;
    std::vector<std::pair<const NamedFile*, Place>> taken;
    for (const NamedFile& input : inputs)
        if (!input.path.empty()) taken.emplace_back(&input, Place(input.path));
    for (const NamedFile& output : outputs) {
        if (output.path.empty()) continue;
        const Place place(output.path);
        for (const auto& [other, other_place] : taken) {
            if (!is_same(place, other_place)) continue;
            refuse(output, fmt::format("is the same file as {}{}, which would be lost; choose another name",
                                       other->name.empty() ? "" : other->name + " ", other->path.string()));
        }
        check_place(output, place, force);
        struct stat standard {};
        if (place.status && ::fstat(STDOUT_FILENO, &standard) == 0 &&
            standard.st_dev == place.status->st_dev && standard.st_ino == place.status->st_ino)
            messages = stderr;
        taken.emplace_back(&output, place);
    }
    return messages;
}

std::vector<NamedFile> inputs_of(const fs::path& file, const Config& config) {
    std::vector<NamedFile> inputs = {{"the configuration", file},
                                     {"data.path", config.data.path},
                                     {"data.split_file", config.data.split_file}};
    for (const Config& stage : config.stages)
        if (stage.stage.init_from != kPreviousStage)
            inputs.push_back({path_in_stage(stage.stage.name, "init_from"), stage.stage.init_from});
    return inputs;
}

std::vector<NamedFile> files_below(const fs::path& folder) {
    std::vector<NamedFile> files;
    std::error_code error;
    for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
        if (at->is_regular_file(error)) files.push_back({{}, at->path()});
    return files;
}

void add_force_flag(CLI::App& app, bool& force) {
    app.add_flag("--force", force, "Replace a file that exists");
}

}  // namespace abr
