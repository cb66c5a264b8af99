// What kernels/cuda/device.cuh stands on where a kernel is compiled by the host's compiler: the calls into the
// layer that executes blocks on the CPU. Light on purpose: race builds instrument everything that it includes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>

namespace abr::emulation {

struct Extent {
    unsigned x = 1, y = 1, z = 1;

    std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

// One launch; call(closure) runs the kernel's body for the current thread. The closure holds the arguments as they were
// when the kernel was launched.
struct Launch {
    const void* kernel;
    Extent grid, block;
    std::size_t dynamic_shared_bytes;
    std::source_location at;
    std::uint64_t arguments;  // a digest of them
    void (*call)(const void* closure);
    std::unique_ptr<const void, void (*)(const void*)> closure;
    std::size_t closure_bytes;
};
// Puts it behind what the stream has to do; it runs when somebody waits for it (work_queue.hpp). Throws Fault
// (fault.hpp) where a device would refuse the launch.
void queue(const void* stream, Launch);

// Shared memory of the current block, filled with NaNs. `key` names a declaration: all threads that pass it get
// the same memory.
void* static_shared(const void* key, std::size_t bytes, std::source_location);
void* dynamic_shared();

void block_barrier(std::source_location);

// Warp collectives. All threads of `mask` have to come to the same call with the same mask.
void warp_barrier(std::uint32_t mask, std::source_location);
std::uint32_t warp_ballot(std::uint32_t mask, bool predicate, std::source_location);
// The value that lane `source` of the caller's warp passed.
std::uint64_t warp_shuffle(std::uint32_t mask, std::uint64_t value, int source, std::source_location);
int lane();

// Reports an access to memory that is not aligned for its type.
void check_alignment(const void* p, std::size_t alignment, std::source_location);
// Announces an atomic read-modify-write by the current thread, before it happens.
void atomic_access(const void* p, std::size_t bytes, std::source_location);

}  // namespace abr::emulation
