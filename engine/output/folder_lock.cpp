#include "engine/output/folder_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "engine/error.hpp"
#include "engine/output/file.hpp"

namespace abr {
namespace {

// On the whole file.
struct flock write_lock() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

// The system tells no id of a process that this one cannot see.
std::string holder_text(pid_t holder) {
    return holder > 0 ? "process " + std::to_string(holder) : "a process elsewhere";
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / ".lock";
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw file_error("open", path, errno);
    struct flock lock = write_lock();
    if (::fcntl(descriptor_, F_SETLK, &lock) == 0) return;
    const int error = errno;
    struct flock holder = write_lock();
    const bool known = ::fcntl(descriptor_, F_GETLK, &holder) == 0 && holder.l_type != F_UNLCK;
    ::close(descriptor_);
    if (error != EACCES && error != EAGAIN) throw file_error("lock", path, error);
    throw InputError("the run folder '" + folder.string() + "' is in use by " +
                     holder_text(known ? holder.l_pid : 0) +
                     "; wait until it ends, or choose another name with --experiment-name");
}

FolderLock::~FolderLock() {
    ::close(descriptor_);
}

}  // namespace abr
