// Arguments of an op where its backend can reach them: one problem of a test serves every backend.
//
//   template <class Stream> void forward(Stream& stream) {
//       with_arguments(stream, [&](auto& on) { some_op<T>(stream, on(x), on(weight), on(y)); });
//   }
// on(object) gives a view or pointer to use in the call. On the CPU that is the object itself. For CUDA it is a copy
// on the device, sentinels included, that comes back when the call is over.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

#include "kernels/cpu/stream.hpp"
#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/stream.hpp"
#include "kernels/dropout.hpp"
#include "tests/cuda/target.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

template <class Stream>
class BackendArguments;

template <>
class BackendArguments<cpu::Stream> {
  public:
    template <class T>
    T* operator()(GuardedBuffer<T>& buffer) {
        return buffer.data();
    }
    template <class T>
    Sequence<T> operator()(GuardedSequence<T>& sequence) {
        return sequence.view();
    }
    template <class T>
    T* operator()(std::vector<T>& values) {
        return values.data();
    }
    template <class T>
    requires std::is_trivially_copyable_v<T> T* operator()(T& object) { return &object; }
    Dropout operator()(Dropout dropout) { return dropout; }
    void bring_back(cpu::Stream&) {}
};

template <>
class BackendArguments<cuda::Stream> {
  public:
    BackendArguments() = default;
    BackendArguments(const BackendArguments&) = delete;
    BackendArguments& operator=(const BackendArguments&) = delete;

    template <class T>
    T* operator()(GuardedBuffer<T>& buffer) {
        const auto all = buffer.with_guards();
        return static_cast<T*>(copy(all.data(), all.size_bytes(), GuardedBuffer<T>::kGuard * sizeof(T)));
    }
    template <class T>
    Sequence<T> operator()(GuardedSequence<T>& sequence) {
        Sequence<T> view = sequence.view();
        view.data = (*this)(sequence.buffer());
        return view;
    }
    // Without guards.
    template <class T>
    T* operator()(std::vector<T>& values) {
        static_assert(std::is_trivially_copyable_v<T>);
        return static_cast<T*>(copy(values.data(), values.size() * sizeof(T), 0));
    }
    template <class T>
    requires std::is_trivially_copyable_v<T> T* operator()(T& object) {
        return static_cast<T*>(copy(&object, sizeof object, 0));
    }
    // With a state on the device.
    Dropout operator()(Dropout dropout) {
        if (dropout.state == nullptr) return dropout;
        states_.push_back(std::make_unique<StepState>(*dropout.state));
        dropout.state = (*this)(*states_.back());
        return dropout;
    }

    void bring_back(cuda::Stream& stream) {
        stream.synchronize();
        for (const auto& copy : copies_) copy->bring_back();
    }

  private:
    // Of `bytes` of host memory; `guard` bytes at both ends are forbidden to kernels.
    struct Copy {
        void* host;
        std::size_t bytes, guard;
        cuda::Buffer<std::byte> device;

        Copy(void* host_memory, std::size_t size, std::size_t guard_size)
            : host(host_memory), bytes(size), guard(guard_size), device(static_cast<Index>(size)) {
            cuda::copy_to_device(device.data(), host, bytes);
            if (guard == 0) return;
            forbid_access(device.data(), guard);
            forbid_access(end_guard(), guard);
        }
        void bring_back() const {
            if (guard > 0) {
                permit_access(device.data(), guard);
                permit_access(end_guard(), guard);
            }
            cuda::copy_to_host(host, device.data(), bytes);
        }
        const void* end_guard() const { return device.data() + bytes - guard; }
    };

    // The device's copy behind its first guard; the same one for the same host memory.
    void* copy(void* host, std::size_t bytes, std::size_t guard) {
        for (const auto& known : copies_)
            if (known->host == host) return known->device.data() + guard;
        copies_.push_back(std::make_unique<Copy>(host, bytes, guard));
        return copies_.back()->device.data() + guard;
    }

    std::vector<std::unique_ptr<StepState>> states_;
    std::vector<std::unique_ptr<Copy>> copies_;
};

// body(on) calls the op.
template <class Stream, class Body>
void with_arguments(Stream& stream, const Body& body) {
    BackendArguments<Stream> on;
    body(on);
    on.bring_back(stream);
}

}  // namespace abr::test
