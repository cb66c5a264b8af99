// A split's recordings where a backend's kernels read them.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/batch.hpp"

namespace abr {

// The host's own arrays on the CPU, which must outlive this object; else a copy in device memory.
template <template <class> class Buffer>
class ResidentRecordings {
  public:
    explicit ResidentRecordings(const DeviceRecordings& host) : view_(host) {
        if constexpr (!Buffer<float>::kHostMemory) {
            const auto bring = [&](auto& buffer, auto& values, Index columns) {
                if (values == nullptr) return;
                const Index size = host.rows * columns;
                buffer = std::remove_reference_t<decltype(buffer)>(size);
                buffer.copy_from({values, static_cast<std::size_t>(size)});
                values = buffer.data();
            };
            bring(signal_, view_.signal, host.length);
            bring(clean_, view_.clean, host.length);
            bring(statics_, view_.statics, kStoredStatics);
            bring(alike_order_, view_.alike.order, 1);
            bring(alike_first_, view_.alike.first, 1);
            bring(alike_count_, view_.alike.count, 1);
            for (const Component c : kAllComponents) {
                bring(label_[c], view_.label[c], 1);
                bring(scalar_[c], view_.scalar[c], 1);
            }
        }
    }

    const DeviceRecordings& view() const { return view_; }

  private:
    DeviceRecordings view_;
    Buffer<float> signal_, clean_, statics_;
    PerComponent<Buffer<float>> scalar_;
    PerComponent<Buffer<std::int32_t>> label_;
    Buffer<std::int32_t> alike_order_, alike_first_, alike_count_;
};

// Bytes of such a copy.
inline std::int64_t recordings_bytes(const DeviceRecordings& r) {
    const Index signals = (r.clean != nullptr ? 2 : 1) * r.length;
    const auto targets = static_cast<Index>(kScalarTasks + kLabelTasks);
    const Index alike = r.alike.order != nullptr ? 3 : 0;
    static_assert(sizeof(float) == sizeof(std::int32_t));
    return r.rows * (signals + kStoredStatics + targets + alike) * static_cast<Index>(sizeof(float));
}

}  // namespace abr
