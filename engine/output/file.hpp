// Files of the run folder. Every error is a FileError that names the file and the system's reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>

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
    friend void replace_file_atomically(const std::filesystem::path&,
                                        const std::function<void(OutputFile&)>&);
    OutputFile(std::filesystem::path path, std::nullptr_t, int descriptor)
        : path_(std::move(path)), descriptor_(descriptor) {}

    std::filesystem::path path_;
    int descriptor_;
};

// What a path leads to through symbolic links, whether it is there or not.
std::filesystem::path link_target(const std::filesystem::path& path);
// The number of a descriptor of this process that a path names, as /dev/stdout does; -1 where it names none.
int own_descriptor(const std::filesystem::path& path);

// Lets `write` fill a temporary file beside `path`, flushes it to the disk, renames it over `path` and
// flushes the folder: after a crash or a full disk the old content or the new one is there, never a part. The
// temporary file is `<path>.tmp`, or `<path>.2.tmp` ... where that is taken, and is removed on an error. A
// symbolic link is followed. A device, pipe, socket or descriptor of this process is written to as it stands.
void replace_file_atomically(const std::filesystem::path& path,
                             const std::function<void(OutputFile&)>& write);
// The same for content that is in memory.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Removes what killed writers of the folder's files left of their temporary files.
void remove_temporary_files(const std::filesystem::path& folder);

// Asks before the work begins whether its files will fit: writes a file of `largest` bytes into the folder,
// removes it, and compares the free space with `total` bytes. Throws FileError where one of them does not
// fit.
void probe_folder(const std::filesystem::path& folder, std::int64_t largest, std::int64_t total);

}  // namespace abr
