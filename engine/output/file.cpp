#include "engine/output/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace abr {
namespace {

constexpr const char* kTemporarySuffix = ".tmp";

// Makes a rename in the folder durable.
void sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) throw file_error("open the folder", folder, errno);
    const int error = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    // Some network file systems cannot flush a folder and say EINVAL.
    if (error != 0 && error != EINVAL) throw file_error("flush the folder", folder, error);
}

std::filesystem::path free_name(const std::filesystem::path& path) {
    std::filesystem::path name = path;
    name += kTemporarySuffix;
    std::error_code error;
    for (int i = 2; std::filesystem::exists(std::filesystem::symlink_status(name, error)); ++i) {
        name = path;
        name += '.' + std::to_string(i) + kTemporarySuffix;
    }
    return name;
}

}  // namespace

FileError file_error(std::string_view action, const std::filesystem::path& path, int error) {
    return FileError("cannot " + std::string(action) + " '" + path.string() +
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

std::filesystem::path link_target(const std::filesystem::path& path) {
    constexpr int kMostLinks = 40;  // as the system
    std::filesystem::path target = path;
    std::error_code error;
    for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(target, error); ++i) {
        const std::filesystem::path next = std::filesystem::read_symlink(target, error);
        if (error) break;
        target = next.is_absolute() ? next : target.parent_path() / next;
    }
    return target;
}

int own_descriptor(const std::filesystem::path& path) {
    // /dev/stdout and its like are links to /proc/self/fd/1, which is a link to whatever the descriptor is.
    constexpr int kMostLinks = 40;
    std::filesystem::path name = path;
    std::error_code error;
    for (int i = 0; i < kMostLinks; ++i) {
        const std::string text = name.lexically_normal().string();
        for (const std::string_view folder : {"/proc/self/fd/", "/dev/fd/"}) {
            if (!text.starts_with(folder)) continue;
            int number = -1;
            const auto [end, problem] =
                std::from_chars(text.data() + folder.size(), text.data() + text.size(), number);
            return problem == std::errc() && end == text.data() + text.size() ? number : -1;
        }
        if (!std::filesystem::is_symlink(name, error)) return -1;
        const std::filesystem::path next = std::filesystem::read_symlink(name, error);
        name = next.is_absolute() ? next : name.parent_path() / next;
    }
    return -1;
}

void replace_file_atomically(const std::filesystem::path& path,
                             const std::function<void(OutputFile&)>& write) {
    if (const int own = own_descriptor(path); own >= 0) {
        const int descriptor = ::fcntl(own, F_DUPFD_CLOEXEC, 0);
        if (descriptor < 0) throw file_error("write to", path, errno);
        OutputFile stream(path, nullptr, descriptor);
        write(stream);
        return stream.close();
    }
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        OutputFile device(path, O_WRONLY);
        write(device);
        return device.close();
    }
    const std::filesystem::path target = link_target(path);
    const std::filesystem::path temporary = free_name(target);
    OutputFile file(temporary, O_WRONLY | O_CREAT | O_EXCL);
    try {
        write(file);
        file.sync();
        file.close();
        if (::rename(temporary.c_str(), target.c_str()) != 0) throw file_error("replace", target, errno);
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    sync_folder(target.has_parent_path() ? target.parent_path() : ".");
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
    replace_file_atomically(path, [&](OutputFile& file) { file.write(bytes); });
}

void remove_temporary_files(const std::filesystem::path& folder) {
    std::error_code error;
    std::vector<std::filesystem::path> left;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (entry.path().extension() == kTemporarySuffix) left.push_back(entry.path());
    for (const auto& path : left)
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw file_error("remove", path, errno);
}

void probe_folder(const std::filesystem::path& folder, std::int64_t largest, std::int64_t total) {
    const std::filesystem::path path = folder / (std::string("probe") + kTemporarySuffix);
    try {
        OutputFile file(path, O_WRONLY | O_CREAT | O_TRUNC);
        const std::string zeros(std::size_t{1} << 20, '\0');
        for (std::int64_t rest = largest; rest > 0; rest -= static_cast<std::int64_t>(zeros.size()))
            file.write(std::string_view(zeros).substr(
                0, static_cast<std::size_t>(std::min<std::int64_t>(rest, std::ssize(zeros)))));
        file.sync();
        file.close();
    } catch (const FileError& error) {
        ::unlink(path.c_str());
        throw FileError(
            "a file of " + std::to_string(largest) +
            " bytes does not fit into the run folder, and a checkpoint has so many: " + error.what() +
            "; make room, lift the limit or choose another place with --output-dir");
    }
    ::unlink(path.c_str());
    struct statvfs space {};
    if (::statvfs(folder.c_str(), &space) != 0) throw file_error("ask for the free space of", folder, errno);
    const auto free = static_cast<std::int64_t>(space.f_bavail) * static_cast<std::int64_t>(space.f_frsize);
    if (free < total)
        throw FileError("the run needs " + std::to_string(total) + " bytes for its checkpoints, but '" +
                        folder.string() + "' has " + std::to_string(free) +
                        " free; make room or choose another place with --output-dir");
}

}  // namespace abr
