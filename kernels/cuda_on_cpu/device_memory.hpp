// Which memory kernels may touch: what race builds check each access against.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abr::emulation {

// A new allocation of device memory.
void allow_access(const void* p, std::size_t bytes);
// Parts of an allocation that kernels have to leave alone (and parts that they may use again): an access is reported by
// AddressSanitizer and by race builds.
void forbid_access(const void* p, std::size_t bytes);
void permit_access(const void* p, std::size_t bytes);
void forget_memory(const void* p);

// Allocations and copies so far (runtime.cpp).
std::int64_t memory_calls();

// Whether [p, p + bytes) lies inside device memory, and none of it is forbidden.
enum class Access { device_memory, outside, forbidden };
Access classify(const void* p, std::size_t bytes);

}  // namespace abr::emulation
