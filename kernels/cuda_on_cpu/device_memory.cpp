#include "kernels/cuda_on_cpu/device_memory.hpp"

#include <cstdint>
#include <iterator>
#include <map>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace abr::emulation {
namespace {

// Ranges by their first address; no two of a map overlap.
class Ranges {
  public:
    void add(const void* p, std::size_t bytes) { ends_[address(p)] = address(p) + bytes; }
    void remove(const void* p) { ends_.erase(address(p)); }
    void remove_within(std::uintptr_t begin, std::uintptr_t end) {
        ends_.erase(ends_.lower_bound(begin), ends_.lower_bound(end));
    }
    // The end of the range that holds p, or 0.
    std::uintptr_t end(const void* p) const {
        const auto next = ends_.upper_bound(address(p));
        if (next == ends_.begin()) return 0;
        const std::uintptr_t end = std::prev(next)->second;
        return address(p) < end ? end : 0;
    }
    bool overlap(const void* p, std::size_t bytes) const {
        if (end(p) != 0) return true;
        const auto next = ends_.upper_bound(address(p));
        return next != ends_.end() && next->first < address(p) + bytes;
    }
    static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

  private:
    std::map<std::uintptr_t, std::uintptr_t> ends_;
};

Ranges& allocations() {
    static Ranges ranges;
    return ranges;
}
Ranges& forbidden() {
    static Ranges ranges;
    return ranges;
}

}  // namespace

void allow_access(const void* p, std::size_t bytes) {
    allocations().add(p, bytes);
}

void forbid_access(const void* p, std::size_t bytes) {
    forbidden().add(p, bytes);
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(p, bytes);
#endif
}

void permit_access(const void* p, [[maybe_unused]] std::size_t bytes) {
    forbidden().remove(p);
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
#endif
}

void forget_memory(const void* p) {
    forbidden().remove_within(Ranges::address(p), allocations().end(p));
    allocations().remove(p);
}

Access classify(const void* p, std::size_t bytes) {
    const std::uintptr_t end = allocations().end(p);
    if (end == 0 || end < Ranges::address(p) + bytes) return Access::outside;
    return forbidden().overlap(p, bytes) ? Access::forbidden : Access::device_memory;
}

}  // namespace abr::emulation
