// Memory of the CPU backend: zero-filled, 64-byte aligned, allocated once outside the training step.
#pragma once

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
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(T* p) const { ::operator delete(p, kAlignment); }
    };
    static T* allocate(Index size) {
        if (size == 0) return nullptr;
        return static_cast<T*>(::operator new(static_cast<std::size_t>(size) * sizeof(T), kAlignment));
    }
    Index size_ = 0;
    std::unique_ptr<T, Free> data_;
};

}  // namespace abr::cpu
