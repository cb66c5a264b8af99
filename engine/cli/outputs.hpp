// Whether a command may write where it is told to, so that no file of a user is lost. Every command that is
// given the name of an output asks here, before it begins.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/config/config.hpp"

namespace CLI {
class App;
}

namespace abr {

// A file and where it was named: an option, or a key of the configuration. An empty path is none.
struct NamedFile {
    std::string name;
    std::filesystem::path path;
};

// InputError where an output is a folder or lies in none, is the same file as an input or as another output
// (by device and inode, through links; where it is not there yet, by its path), or exists and is not to be
// replaced (`force`). Devices, pipes and sockets exist and are written to; a character device may be named
// several times. Returns where messages go: the standard output, or the standard error where an output is the
// standard output.
std::FILE* check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs,
                         bool force);

// The files that a configuration reads, itself among them.
std::vector<NamedFile> inputs_of(const std::filesystem::path& file, const Config& config);
// The regular files in a folder and below it.
std::vector<NamedFile> files_below(const std::filesystem::path& folder);

// Declares --force.
void add_force_flag(CLI::App& app, bool& force);

}  // namespace abr
