// Fibers: execution contexts with a stack of their own, switched by hand. One for each thread of a block.
#pragma once

#include <cstddef>

namespace abr::emulation {

// A suspended context. The default one stands for the thread that starts the others.
struct Fiber {
    void* stack_pointer = nullptr;
    const void* stack_bottom = nullptr;
    std::size_t stack_size = 0;
    void* sanitizer_stack = nullptr;  // AddressSanitizer's own stack of this context
};

// Stacks in one mapping, an inaccessible page below each: an overflow is a segmentation fault, not a write into
// the neighbour.
class FiberStacks {
  public:
    explicit FiberStacks(std::size_t count);
    ~FiberStacks();
    FiberStacks(const FiberStacks&) = delete;
    FiberStacks& operator=(const FiberStacks&) = delete;

    // A context that starts with entry() on stack i; whatever was on that stack is forgotten. entry() must never
    // return, and must call fiber_entered() first.
    Fiber start(std::size_t i, void (*entry)()) const;
    bool contains(const void* p) const;

  private:
    std::size_t bytes_;
    std::byte* memory_;
};

// Suspends `from`, which is running, and resumes `to`.
void switch_fiber(Fiber& from, Fiber& to);
// Tells AddressSanitizer that a new fiber runs; `from` is the context that switched to it.
void fiber_entered(Fiber& from);

}  // namespace abr::emulation
