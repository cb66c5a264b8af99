// A text file in memory.
#pragma once

#include <filesystem>
#include <string_view>

namespace abr {

// Maps a file read-only. Its pages are the system's file cache and count as this process's memory only while
// they are in use; release() gives them back.
class CsvFile {
  public:
    // InputError: no such file, a directory, not a regular file, not readable, empty, or known by its first
    // bytes to be something else than text in UTF-8 (spreadsheet, archive, UTF-16).
    explicit CsvFile(const std::filesystem::path& path);
    ~CsvFile();
    CsvFile(const CsvFile&) = delete;
    CsvFile& operator=(const CsvFile&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::string_view text() const { return text_; }  // without a byte order mark

    // Drops the whole pages of [begin, end) from memory; they are read again when touched.
    void release(const char* begin, const char* end) const;

  private:
    std::filesystem::path path_;
    std::string_view mapped_;
    std::string_view text_;
};

// A mapped file that another program cuts short while it is read cannot be told by an exception: the system sends
// SIGBUS. From this call on the process then ends with a message and exit code `code` instead of a crash.
void end_on_truncated_mapping(int code);

}  // namespace abr
