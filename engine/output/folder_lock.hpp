// Two runs never write to one folder at once.
#pragma once

#include <filesystem>

namespace abr {

// Holds the folder until it is destroyed or the process ends, however it ends. The lock is the system's, on the
// empty file `.lock` in the folder; that file means nothing by itself and stays. It keeps other processes out,
// not other locks of this one.
class FolderLock {
  public:
    // Throws InputError with the id of the process that holds the folder, FileError where it cannot be locked.
    explicit FolderLock(const std::filesystem::path& folder);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

  private:
    int descriptor_;
};

}  // namespace abr
