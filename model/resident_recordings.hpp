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
            bring(label_, view_.label, 1);
            bring(exist_, view_.exist, 1);
            bring(latency_, view_.latency_ms, 1);
            bring(amplitude_, view_.amplitude_uv, 1);
            bring(threshold_, view_.threshold_db, 1);
        }
    }

    const DeviceRecordings& view() const { return view_; }

  private:
    DeviceRecordings view_;
    Buffer<float> signal_, clean_, statics_, latency_, amplitude_, threshold_;
    Buffer<std::int32_t> label_, exist_;
};

// Bytes of such a copy.
inline std::int64_t recordings_bytes(const DeviceRecordings& r) {
    const Index floats = (r.clean != nullptr ? 2 : 1) * r.length + kStoredStatics + 3;
    return r.rows *
           (floats * static_cast<Index>(sizeof(float)) + 2 * static_cast<Index>(sizeof(std::int32_t)));
}

}  // namespace abr
