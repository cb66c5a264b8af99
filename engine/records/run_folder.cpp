#include "engine/records/run_folder.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "engine/error.hpp"
#include "engine/output/file.hpp"

namespace abr {
namespace {

void check_name(std::string_view name) {
    const bool plain = !name.empty() && name != "." && name != ".." && std::ranges::none_of(name, [](char c) {
        return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    });
    if (!plain) {
        throw InputError(
            "the experiment name '" + std::string(name) +
            "' cannot be a folder: expected a name without '/' and control characters, not '.' or '..'; "
            "set run.name or --experiment-name (and --output-dir for the place)");
    }
}

// False where something of that name exists already.
bool make_folder(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0777) == 0) return true;
    if (errno != EEXIST) throw file_error("make the run folder", path, errno);
    return false;
}

void make_parents(const std::filesystem::path& output_dir) {
    std::error_code error;
    std::filesystem::create_directories(output_dir, error);
    if (error) throw file_error("make the output folder", output_dir, error.value());
}

}  // namespace

RunFolder RunFolder::create(const std::filesystem::path& output_dir, std::string_view name) {
    check_name(name);
    make_parents(output_dir);
    std::filesystem::path path = output_dir / name;
    // mkdir itself says whether the name is free, so that no other run can take it in between.
    for (int number = 2; !make_folder(path); ++number) {
        path = output_dir / (std::string(name) + '-' + std::to_string(number));
    }
    const bool renamed = path.filename() != name;
    return {std::move(path), renamed};
}

RunFolder RunFolder::open(const std::filesystem::path& output_dir, std::string_view name) {
    check_name(name);
    make_parents(output_dir);
    std::filesystem::path path = output_dir / name;
    if (!make_folder(path) && !std::filesystem::is_directory(path)) {
        throw file_error("use the run folder", path, ENOTDIR);
    }
    return {std::move(path), false};
}

}  // namespace abr
