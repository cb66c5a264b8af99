// What a program of CUDA tests runs on: a device, or the CPU under one of the three builds of kernels/cuda_on_cpu/. The
// same test objects are linked with any of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace abr::test {

// The schedules under which a case is repeated: seeds of kernels/cuda_on_cpu/schedule.hpp, or the one that the
// environment variable ABR_KERNEL_SEED names. On a device two runs, which have to give the same bits.
std::vector<std::uint64_t> schedules();
void use_schedule(std::uint64_t seed);
// Whether cases of the network's real sizes run here (on a device, and in the plain build).
bool runs_real_sizes();

// An access of a kernel to this part of a device allocation is a fault; permit_access takes that back.
void forbid_access(const void* device, std::size_t bytes);
void permit_access(const void* device, std::size_t bytes);

// Allocations and copies of device memory so far; 0 on a device, where nobody counts.
std::int64_t memory_calls();

// A line for each launch of a kernel by body(), the same where kernel, extents and arguments are the same. On a device
// nobody listens.
bool lists_launches();
std::vector<std::string> launches_of(const std::function<void()>& body);

// Calls body() once a schedule.
template <class Body>
void for_each_schedule(const Body& body) {
    for (const std::uint64_t seed : schedules()) {
        use_schedule(seed);
        body();
    }
}

}  // namespace abr::test
