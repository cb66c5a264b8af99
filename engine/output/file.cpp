#include "engine/output/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace abr {
namespace {

// Makes a rename in the folder durable.
void sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) throw file_error("open the folder", folder, errno);
    const int error = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    // Some network file systems cannot flush a folder and say EINVAL.
    if (error != 0 && error != EINVAL) throw file_error("flush the folder", folder, error);
}

}  // namespace

RunError file_error(std::string_view action, const std::filesystem::path& path, int error) {
    return RunError("cannot " + std::string(action) + " '" + path.string() +
                    "': " + std::generic_category().message(error));
}

OutputFile::OutputFile(std::filesystem::path path, int flags)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) throw file_error("open", path_, errno);
}

OutputFile::~OutputFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

void OutputFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw file_error("write to", path_, errno);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void OutputFile::sync() {
    if (::fsync(descriptor_) != 0) throw file_error("flush", path_, errno);
}

void OutputFile::close() {
    // Not repeated on EINTR: on Linux the descriptor is closed all the same. Delayed write errors show here.
    if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR)
        throw file_error("close", path_, errno);
}

std::int64_t OutputFile::size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw file_error("read the size of", path_, errno);
    return status.st_size;
}

void OutputFile::truncate(std::int64_t size) noexcept {
    [[maybe_unused]] const int result = ::ftruncate(descriptor_, size);
}

void replace_file_atomically(const std::filesystem::path& path,
                             const std::function<void(OutputFile&)>& write) {
    std::filesystem::path temporary = path;
    temporary += ".tmp";
    OutputFile file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    try {
        write(file);
        file.sync();
        file.close();
        if (::rename(temporary.c_str(), path.c_str()) != 0) throw file_error("replace", path, errno);
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    sync_folder(path.has_parent_path() ? path.parent_path() : ".");
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
    replace_file_atomically(path, [&](OutputFile& file) { file.write(bytes); });
}

}  // namespace abr
