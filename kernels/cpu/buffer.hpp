// Memory of the CPU backend: zero-filled, 64-byte aligned, allocated once outside the training step. Large buffers ask
// for huge pages: rows of a matrix are often a page apart, and each would need an entry of the translation cache.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "kernels/view.hpp"

namespace abr::cpu {

template <class T>
class Buffer {
  public:
    static constexpr bool kHostMemory = true;  // whether kernels reach host memory, and the host this one

    Buffer() = default;
    explicit Buffer(Index size) : size_(size), data_(allocate(size)) { std::fill_n(data_.get(), size, T{}); }

    // Null where the size is 0.
    T* data() const { return data_.get(); }
    Index size() const { return size_; }

    // Between host memory and the first elements of this buffer, as many as the host's.
    void copy_from(std::span<const T> host) { std::copy(host.begin(), host.end(), data()); }
    void copy_to(std::span<T> host) const { read(data(), host); }
    // From any place in the backend's memory.
    static void read(const T* device, std::span<T> host) { std::copy_n(device, host.size(), host.begin()); }

  private:
    static constexpr std::size_t kCacheLine = 64, kHugePage = std::size_t{2} << 20;
    struct Free {
        std::align_val_t alignment{kCacheLine};
        void operator()(T* p) const { ::operator delete(p, alignment); }
    };
    static std::unique_ptr<T, Free> allocate(Index size) {
        const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
        const std::align_val_t alignment{bytes < kHugePage ? kCacheLine : kHugePage};
        void* const memory = size == 0 ? nullptr : ::operator new(bytes, alignment);
        // Advice: where it is refused, pages are small and nothing else changes.
        if (bytes >= kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
        return {static_cast<T*>(memory), Free{alignment}};
    }
    Index size_ = 0;
    std::unique_ptr<T, Free> data_;
};

}  // namespace abr::cpu
