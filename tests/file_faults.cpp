#include "tests/file_faults.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

namespace abr::test {
namespace {

Fault fault = Fault::none;
std::int64_t fault_call = 0, calls = 0;
std::array<bool, 1024> written_to;  // by file descriptor

bool counts(int descriptor) {
    return descriptor >= 0 && static_cast<std::size_t>(descriptor) < written_to.size() &&
           written_to[static_cast<std::size_t>(descriptor)];
}

enum class Step { proceed, fail, half };

Step next_call(bool needs_room) {
    ++calls;
    if (fault == Fault::none || calls < fault_call) return Step::proceed;
    if (calls > fault_call) return fault == Fault::full && needs_room ? Step::fail : Step::proceed;
    return fault == Fault::fail ? Step::fail : Step::half;
}

template <class Call>
long answer(Step step, const Call& call) {
    if (step == Step::half && fault == Fault::kill) kill(getpid(), SIGKILL);
    if (step == Step::fail) {
        errno = ENOSPC;
        return -1;
    }
    return call();
}

[[gnu::constructor]] void read_environment() {
    const char* text = std::getenv("ABR_FAULT");
    if (text == nullptr) return;
    const char* number = std::strchr(text, ':');
    if (number == nullptr) std::abort();
    const Fault kind = text[0] == 'k' ? Fault::kill : text[1] == 'u' ? Fault::full : Fault::fail;
    set_file_fault(kind, std::atoll(number + 1));
}

}  // namespace

void set_file_fault(Fault kind, std::int64_t call) {
    fault = kind;
    fault_call = call;
    calls = 0;
}

std::int64_t file_calls() {
    return calls;
}

}  // namespace abr::test

using namespace abr::test;

extern "C" {

int open(const char* path, int flags, ...) {
    std::va_list arguments;
    va_start(arguments, flags);
    const int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    const auto call = [&] { return syscall(SYS_openat, AT_FDCWD, path, flags, mode); };
    if ((flags & O_ACCMODE) == O_RDONLY) return static_cast<int>(call());
    const auto descriptor = static_cast<int>(answer(next_call((flags & O_CREAT) != 0), call));
    if (descriptor >= 0 && static_cast<std::size_t>(descriptor) < written_to.size())
        written_to[static_cast<std::size_t>(descriptor)] = true;
    return descriptor;
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
    const auto call = [&](size_t part) { return syscall(SYS_write, descriptor, bytes, part); };
    if (!counts(descriptor)) return call(size);
    const Step step = next_call(true);
    if (step != Step::half) return answer(step, [&] { return call(size); });
    const long written = size > 1 ? call(size / 2) : 0;
    if (fault == Fault::kill) kill(getpid(), SIGKILL);
    if (written > 0) return written;
    errno = ENOSPC;
    return -1;
}

int fsync(int descriptor) {
    const auto call = [&] { return syscall(SYS_fsync, descriptor); };
    return static_cast<int>(counts(descriptor) ? answer(next_call(false), call) : call());
}

int close(int descriptor) {
    const bool counted = counts(descriptor);
    if (counted) written_to[static_cast<std::size_t>(descriptor)] = false;
    const long result = syscall(SYS_close, descriptor);
    // The descriptor is closed also where the system reports an error of a delayed write.
    return static_cast<int>(counted ? answer(next_call(false), [&] { return result; }) : result);
}

int rename(const char* from, const char* to) {
    return static_cast<int>(
        answer(next_call(true), [&] { return syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to); }));
}
}
