// Streams and memory of the CUDA backend where kernels run on the CPU. What waits on a device waits here: copies and
// release() for all streams.
#include <cstdlib>
#include <cstring>
#include <new>

#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/stream.hpp"
#include "kernels/cuda_on_cpu/device_memory.hpp"
#include "kernels/cuda_on_cpu/work_queue.hpp"

namespace abr {
namespace {

std::int64_t calls = 0;

}  // namespace

std::int64_t emulation::memory_calls() {
    return calls;
}

namespace cuda {
namespace {

constexpr std::size_t kAlignment = 256;  // as cudaMalloc
constexpr std::size_t kMemory = std::size_t{16} << 30;

}  // namespace

bool device_available() {
    return true;
}

Stream::Stream() = default;
Stream::~Stream() {
    emulation::finish_all_quietly();
}
void Stream::synchronize() {
    emulation::finish(this);
}

DeviceMemory device_memory() {
    return {kMemory, kMemory};
}

void* allocate_zeroed(std::size_t bytes) {
    ++calls;
    void* memory = nullptr;
    if (posix_memalign(&memory, kAlignment, bytes) != 0) throw std::bad_alloc();
    std::memset(memory, 0, bytes);
    emulation::allow_access(memory, bytes);
    return memory;
}

void release(void* device) noexcept {
    emulation::finish_all_quietly();
    emulation::forget_memory(device);
    std::free(device);
}

void copy_to_device(void* device, const void* host, std::size_t bytes) {
    ++calls;
    emulation::finish_all();
    if (bytes > 0) std::memcpy(device, host, bytes);
}

void copy_to_host(void* host, const void* device, std::size_t bytes) {
    ++calls;
    emulation::finish_all();
    if (bytes > 0) std::memcpy(host, device, bytes);
}

}  // namespace cuda
}  // namespace abr
