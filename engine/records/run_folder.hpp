// The folder of one run: DIR/<name>/.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace abr {

class RunFolder {
  public:
    // Makes output_dir/name, or output_dir/name-2, name-3 … if that is taken; nothing that exists is touched,
    // and two runs that start at once get two folders. Throws InputError for a name that is no plain folder
    // name, RunError where the folder cannot be made.
    static RunFolder create(const std::filesystem::path& output_dir, std::string_view name);
    // Exactly output_dir/name, made if it is not there.
    static RunFolder open(const std::filesystem::path& output_dir, std::string_view name);

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path file(std::string_view name) const { return path_ / name; }
    std::string name() const { return path_.filename().string(); }
    bool renamed() const { return renamed_; }  // not the name that was asked for: to be said

  private:
    RunFolder(std::filesystem::path path, bool renamed) : path_(std::move(path)), renamed_(renamed) {}
    std::filesystem::path path_;
    bool renamed_;
};

}  // namespace abr
