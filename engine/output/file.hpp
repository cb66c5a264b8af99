// Files of the run folder. Every error is a RunError that names the file and the system's reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "engine/error.hpp"

namespace abr {

// "cannot <action> '<path>': <the system's words for error>".
RunError file_error(std::string_view action, const std::filesystem::path& path, int error);

// An open file that is written to.
class OutputFile {
  public:
    // flags as for open(2), with O_WRONLY; new files get the permissions of the umask.
    OutputFile(std::filesystem::path path, int flags);
    ~OutputFile();
    OutputFile(OutputFile&&) noexcept;
    OutputFile& operator=(OutputFile&&) = delete;

    void write(std::string_view bytes);
    void sync();  // what was written is on the disk afterwards
    void close();
    std::int64_t size() const;
    void truncate(std::int64_t size) noexcept;  // best effort

  private:
    std::filesystem::path path_;
    int descriptor_;
};

// Lets `write` fill `<path>.tmp`, flushes it to the disk, renames it over `path` and flushes the folder: after a
// crash or a full disk the old content or the new one is there, never a part. The temporary file is removed on an
// error.
void replace_file_atomically(const std::filesystem::path& path,
                             const std::function<void(OutputFile&)>& write);
// The same for content that is in memory.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace abr
