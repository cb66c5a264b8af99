#include "kernels/cuda_on_cpu/shared_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace abr::emulation {
namespace {

constexpr std::size_t kAlignment = 16;  // as CUDA's dynamic shared memory
constexpr int kPoison = 0xFF;           // four or eight such bytes are a NaN
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kGuard = 0;
#else
constexpr std::size_t kGuard = 256;
#endif

}  // namespace

SharedPiece::SharedPiece(const void* key, std::size_t bytes, std::source_location declared)
    : key_(key), bytes_(bytes), declared_(declared) {
    void* memory = nullptr;
    if (posix_memalign(&memory, kAlignment, bytes + kGuard) != 0) throw std::bad_alloc();
    data_.reset(memory);
    poison();
}

void SharedPiece::Free::operator()(void* p) const {
    std::free(p);
}

void SharedPiece::poison() const {
    std::memset(data_.get(), kPoison, bytes_ + kGuard);
}

bool SharedPiece::overrun() const {
    const auto* guard = static_cast<const unsigned char*>(data_.get()) + bytes_;
    return std::any_of(guard, guard + kGuard, [](unsigned char c) { return c != kPoison; });
}

}  // namespace abr::emulation
