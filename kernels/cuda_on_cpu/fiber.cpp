#include "kernels/cuda_on_cpu/fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if !defined(__x86_64__)
#error "The context switch is written for x86-64 alone; build with -DABR_CUDA_ON_CPU=OFF elsewhere."
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace abr::emulation {
namespace {

constexpr std::size_t kPage = 4096;
// AddressSanitizer's frames are several times larger.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStackSize = 256 * 1024;
#else
constexpr std::size_t kStackSize = 64 * 1024;
#endif
constexpr std::size_t kSlot = kPage + kStackSize;

}  // namespace

// Saves the callee-saved registers of the System V ABI on the running stack and takes up those of the other.
// Control words of the floating-point unit are not part of it: kernels do not change them.
extern "C" void abr_switch_stack(void** save_stack_pointer, void* stack_pointer);
asm(R"(
    .text
    .globl abr_switch_stack
    .type abr_switch_stack, @function
abr_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size abr_switch_stack, . - abr_switch_stack
)");

FiberStacks::FiberStacks(std::size_t count) : bytes_(count * kSlot) {
    void* memory = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<std::byte*>(memory);
    for (std::size_t i = 0; i < count; ++i)
        if (mprotect(memory_ + i * kSlot + kPage, kStackSize, PROT_READ | PROT_WRITE) != 0)
            throw std::bad_alloc();
}

FiberStacks::~FiberStacks() {
    munmap(memory_, bytes_);
}

Fiber FiberStacks::start(std::size_t i, void (*entry)()) const {
    std::byte* bottom = memory_ + i * kSlot + kPage;
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(bottom, kStackSize);
#endif
    auto* top = reinterpret_cast<void**>(bottom + kStackSize);
    // What abr_switch_stack takes up: six registers, the address to go to, and above it the (null) address that
    // entry() would return to, where the ABI wants the stack to be 8 bytes off 16.
    for (int word = 1; word <= 8; ++word) top[-word] = nullptr;
    top[-2] = reinterpret_cast<void*>(entry);
    return {.stack_pointer = top - 8, .stack_bottom = bottom, .stack_size = kStackSize};
}

bool FiberStacks::contains(const void* p) const {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(memory_) < bytes_;
}

void switch_fiber(Fiber& from, Fiber& to) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&from.sanitizer_stack, to.stack_bottom, to.stack_size);
    abr_switch_stack(&from.stack_pointer, to.stack_pointer);
    __sanitizer_finish_switch_fiber(from.sanitizer_stack, nullptr, nullptr);
#else
    abr_switch_stack(&from.stack_pointer, to.stack_pointer);
#endif
}

void fiber_entered([[maybe_unused]] Fiber& from) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &from.stack_bottom, &from.stack_size);
#endif
}

}  // namespace abr::emulation
