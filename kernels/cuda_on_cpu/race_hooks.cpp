// What code compiled with -fsanitize=thread calls before each access to memory, instead of ThreadSanitizer's runtime.
#include <cstddef>

#include "kernels/cuda_on_cpu/race_detector.hpp"

namespace abr::emulation {
namespace {

// Registered before main.
struct Registered {
    RaceDetector detector;

    Registered() { set_observer(&detector); }
};

RaceDetector& detector() {
    static Registered registered;
    return registered.detector;
}
[[maybe_unused]] RaceDetector& registration = detector();

// Linker symbols: the program's own constants and variables.
extern "C" const char __executable_start, _end;

bool is_programs_own(const void* p) {
    return p >= &__executable_start && p < &_end;
}

void hook(const void* p, std::size_t bytes, AccessKind kind, const void* return_address) {
    if (!in_kernel() || on_fiber_stack(p) || is_programs_own(p) || in_arguments(p)) return;
    const InsideLayer inside;
    maybe_preempt();
    // The call stands in front of the address that it returns to.
    detector().access(p, bytes, kind, static_cast<const char*>(return_address) - 1);
}

}  // namespace

// The interface that GCC 12 and Clang compile to (compiler-rt, tsan_interface.h).
extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}

#define ABR_HOOKS(bytes)                                                \
    void __tsan_read##bytes(void* p) {                                  \
        hook(p, bytes, AccessKind::read, __builtin_return_address(0));  \
    }                                                                   \
    void __tsan_write##bytes(void* p) {                                 \
        hook(p, bytes, AccessKind::write, __builtin_return_address(0)); \
    }                                                                   \
    void __tsan_unaligned_read##bytes(void* p) {                        \
        hook(p, bytes, AccessKind::read, __builtin_return_address(0));  \
    }                                                                   \
    void __tsan_unaligned_write##bytes(void* p) {                       \
        hook(p, bytes, AccessKind::write, __builtin_return_address(0)); \
    }
ABR_HOOKS(1)
ABR_HOOKS(2)
ABR_HOOKS(4)
ABR_HOOKS(8)
ABR_HOOKS(16)
#undef ABR_HOOKS

void __tsan_read_range(void* p, std::size_t bytes) {
    hook(p, bytes, AccessKind::read, __builtin_return_address(0));
}
void __tsan_write_range(void* p, std::size_t bytes) {
    hook(p, bytes, AccessKind::write, __builtin_return_address(0));
}
}

}  // namespace abr::emulation
