// Files of the run folder. Every error is a FileError that names the file and the system's reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "engine/error.hpp"

namespace abr {

// The system refused; what was written before is as it was.
struct FileError : RunError {
    using RunError::RunError;
};

// "cannot <action> '<path>': <the system's words for error>".
FileError file_error(std::string_view action, const std::filesystem::path& path, int error);

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

inline constexpr const char* kTemporarySuffix = ".tmp";

// Lets `write` fill `<path>.tmp`, flushes it to the disk, renames it over `path` and flushes the folder: after a
// crash or a full disk the old content or the new one is there, never a part. The temporary file is removed on an
// error.
void replace_file_atomically(const std::filesystem::path& path,
                             const std::function<void(OutputFile&)>& write);
// The same for content that is in memory.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Removes what killed writers of the folder's files left of their temporary files.
void remove_temporary_files(const std::filesystem::path& folder);

// Asks before the work begins whether its files will fit: writes a file of `largest` bytes into the folder,
// removes it, and compares the free space with `total` bytes. Throws FileError where one of them does not fit.
void probe_folder(const std::filesystem::path& folder, std::int64_t largest, std::int64_t total);

}  // namespace abr
