// Memory of the CUDA backend: zero-filled, 256-byte aligned, on the device, allocated once outside the step.
#pragma once

#include <memory>
#include <span>
#include <type_traits>

#include "kernels/view.hpp"

namespace abr::cuda {

// Untyped device memory. Copies wait for everything that was queued before them on any stream. Errors are
// cuda::Error; that of an allocation says how much was asked and how much is free.
void* allocate_zeroed(std::size_t bytes);
void release(void* device) noexcept;
void copy_to_device(void* device, const void* host, std::size_t bytes);
void copy_to_host(void* host, const void* device, std::size_t bytes);

struct DeviceMemory {
    std::size_t free = 0, total = 0;  // bytes
};
DeviceMemory device_memory();

template <class T>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    static constexpr bool kHostMemory = false;  // whether kernels reach host memory, and the host this one

    Buffer() = default;
    explicit Buffer(Index size)
        : size_(size), data_(size > 0 ? static_cast<T*>(allocate_zeroed(bytes(size))) : nullptr) {}

    // A device pointer, null where the size is 0.
    T* data() const { return data_.get(); }
    Index size() const { return size_; }

    // Between host memory and the first elements of this buffer, as many as the host's.
    void copy_from(std::span<const T> host) { copy_to_device(data(), host.data(), host.size_bytes()); }
    void copy_to(std::span<T> host) const { read(data(), host); }
    // From any place in device memory.
    static void read(const T* device, std::span<T> host) {
        copy_to_host(host.data(), device, host.size_bytes());
    }

  private:
    struct Free {
        void operator()(T* p) const { release(p); }
    };
    static std::size_t bytes(Index size) { return static_cast<std::size_t>(size) * sizeof(T); }

    Index size_ = 0;
    std::unique_ptr<T, Free> data_;
};

}  // namespace abr::cuda
