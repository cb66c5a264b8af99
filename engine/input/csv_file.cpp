#include "engine/input/csv_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "engine/error.hpp"
#include "engine/input/file_kind.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

constexpr std::string_view kExpected = "a CSV file in UTF-8";

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Closes the descriptor on every way out; the mapping lives on without it.
struct Descriptor {
    int number = -1;
    ~Descriptor() {
        if (number >= 0) close(number);
    }
};

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what, std::string_view remedy) {
    throw InputError(file_message(path, what, kExpected, remedy));
}

}  // namespace

CsvFile::CsvFile(const std::filesystem::path& path) : path_(path) {
    // Without O_NONBLOCK opening a named pipe would wait for a writer.
    const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.number < 0) {
        const int error = errno;
        fail(path, fmt::format("cannot be opened ({})", std::strerror(error)), "correct data.path");
    }
    struct stat status = {};
    if (fstat(file.number, &status) != 0) {
        const int error = errno;
        fail(path, fmt::format("cannot be read ({})", std::strerror(error)), "correct data.path");
    }
    if (S_ISDIR(status.st_mode)) fail(path, "a directory", "let data.path name a file");
    if (!S_ISREG(status.st_mode)) fail(path, "not a regular file", "copy the data to a file first");
    if (status.st_size == 0) fail(path, "the file is empty", "export it again with its header line");

    const auto size = static_cast<std::size_t>(status.st_size);
    void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (memory == MAP_FAILED) {
        const int error = errno;
        fail(path, fmt::format("cannot be read ({})", std::strerror(error)), "check the file and its medium");
    }
    mapped_ = {static_cast<const char*>(memory), size};
    text_ = mapped_;
    if (const ForeignFile foreign = foreign_file(path, text_); !foreign.what.empty()) {
        munmap(memory, size);
        fail(path, foreign.what, foreign.way_in);
    }
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
}

namespace {

volatile std::sig_atomic_t truncation_code = 1;

// May call what is safe in a signal handler only.
void on_bus_error(int) {
    constexpr std::string_view kMessage =
        "abr_engine: a data file became shorter while it was being read; let no other program write it "
        "during a run\n";
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage.data(), kMessage.size());
    _exit(truncation_code);
}

}  // namespace

void end_on_truncated_mapping(int code) {
    truncation_code = code;
    struct sigaction action = {};
    action.sa_handler = on_bus_error;
    sigaction(SIGBUS, &action, nullptr);
}

CsvFile::~CsvFile() {
    munmap(const_cast<char*>(mapped_.data()), mapped_.size());
}

void CsvFile::release(const char* begin, const char* end) const {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto first = (static_cast<std::size_t>(begin - mapped_.data()) + page - 1) / page * page;
    const auto last = static_cast<std::size_t>(end - mapped_.data()) / page * page;
    // A failure costs memory, not correctness.
    if (first < last) madvise(const_cast<char*>(mapped_.data()) + first, last - first, MADV_DONTNEED);
}

}  // namespace abr
