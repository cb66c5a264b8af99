// device.cuh under the host's compiler: CUDA's names over the layer that runs kernels on the CPU.
#pragma once

#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>
#include <tuple>

#include "kernels/cuda_on_cpu/device_emulation.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define DEVICE_UNROLL

// The tag's address tells one declaration (of one instantiation) from another.
#define DEVICE_SHARED(name, ...)                                                                   \
    auto& name = *static_cast<std::type_identity_t<__VA_ARGS__>*>(::abr::emulation::static_shared( \
        [] {                                                                                       \
            static const char tag = 0;                                                             \
            return &tag;                                                                           \
        }(),                                                                                       \
        sizeof(std::type_identity_t<__VA_ARGS__>), std::source_location::current()))
#define DEVICE_DYN_SHARED(type, name) \
    type* const name = static_cast<type*>(::abr::emulation::dynamic_shared())

namespace abr::cuda {

struct uint3 {
    unsigned x = 0, y = 0, z = 0;
};
struct dim3 {
    unsigned x = 1, y = 1, z = 1;

    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
inline float2 make_float2(float x, float y) {
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}

// What the running thread sees; set whenever it changes.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

using Location = std::source_location;

// The grid of a launch, and the line it stands in.
struct Grid {
    dim3 size;
    Location at;

    template <class Count>
    requires std::is_integral_v<Count> Grid(Count blocks, Location where = Location::current())
        : size(static_cast<unsigned>(blocks)), at(where) {}
    Grid(dim3 blocks, Location where = Location::current()) : size(blocks), at(where) {}
};

// Continues an FNV-1a hash (Fowler, Noll and Vo) over the bytes of a launch's argument, padding aside.
template <class T>
std::uint64_t digest(std::uint64_t hash, T argument) {
    static_assert(std::is_trivially_copyable_v<T>);
    __builtin_clear_padding(&argument);
    unsigned char bytes[sizeof argument];
    std::memcpy(bytes, &argument, sizeof argument);
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001B3u;
    return hash;
}

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Grid grid, dim3 block, std::size_t shared_bytes, Stream& stream,
            const Arguments&... arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments));
    static_assert((std::is_trivially_copyable_v<Parameters> && ...));
    struct Closure {
        void (*kernel)(Parameters...);
        std::tuple<Parameters...> values;
    };
    const auto call = [](const void* p) {
        const auto& closure = *static_cast<const Closure*>(p);
        std::apply(closure.kernel, closure.values);
    };
    const auto release = [](const void* p) { delete static_cast<const Closure*>(p); };
    auto* const closure = new Closure{kernel, {static_cast<Parameters>(arguments)...}};
    std::uint64_t hash = 0xCBF29CE484222325u;
    std::apply([&](const Parameters&... value) { ((hash = digest(hash, value)), ...); }, closure->values);
    emulation::queue(&stream,
                     {.kernel = reinterpret_cast<const void*>(kernel),
                      .grid = {grid.size.x, grid.size.y, grid.size.z},
                      .block = {block.x, block.y, block.z},
                      .dynamic_shared_bytes = shared_bytes,
                      .at = grid.at,
                      .arguments = hash,
                      .call = call,
                      .closure = {closure, release},
                      .closure_bytes = sizeof(Closure)});
}

inline void __syncthreads(Location at = Location::current()) {
    emulation::block_barrier(at);
}
inline void __syncwarp(std::uint32_t mask, Location at = Location::current()) {
    emulation::warp_barrier(mask, at);
}
inline std::uint32_t __ballot_sync(std::uint32_t mask, bool predicate, Location at = Location::current()) {
    return emulation::warp_ballot(mask, predicate, at);
}
inline bool __any_sync(std::uint32_t mask, bool predicate, Location at = Location::current()) {
    return emulation::warp_ballot(mask, predicate, at) != 0;
}
inline bool __all_sync(std::uint32_t mask, bool predicate, Location at = Location::current()) {
    return emulation::warp_ballot(mask, predicate, at) == mask;
}

// Reads `value` of lane `source`.
template <class T>
T shuffle(std::uint32_t mask, T value, int source, Location at) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = emulation::warp_shuffle(mask, bits, source, at);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
template <class T>
T __shfl_sync(std::uint32_t mask, T value, int source, Location at = Location::current()) {
    return shuffle(mask, value, source % 32, at);
}
template <class T>
T __shfl_down_sync(std::uint32_t mask, T value, int delta, Location at = Location::current()) {
    const int lane = emulation::lane();
    return shuffle(mask, value, lane + delta < 32 ? lane + delta : lane, at);
}
template <class T>
T __shfl_xor_sync(std::uint32_t mask, T value, int lane_mask, Location at = Location::current()) {
    return shuffle(mask, value, emulation::lane() ^ lane_mask, at);
}

// Integers only: the order of additions must not show in the result. Not instrumented: the layer knows of it.
template <class T>
__attribute__((no_sanitize_thread)) T atomicAdd(T* p, std::type_identity_t<T> value,
                                                Location at = Location::current()) {
    static_assert(std::is_integral_v<T>);
    emulation::atomic_access(p, sizeof(T), at);
    const T before = *p;
    *p = before + value;
    return before;
}

inline float rsqrtf(float x) {
    return 1 / std::sqrt(x);
}
// A product that no addition is fused with, also where the compiler may contract them.
inline float __fmul_rn(float a, float b) {
    float product = a * b;
    asm("" : "+x"(product));
    return product;
}
// The sine of pi * x, for which the device needs no slow reduction of its argument.
inline double sinpi(double x) {
    return std::sin(std::numbers::pi * std::remainder(x, 2.0));
}
inline double cospi(double x) {
    return std::cos(std::numbers::pi * std::remainder(x, 2.0));
}

template <class Vector, class T>
Vector load_vector(const T* p, Location at = Location::current()) {
    emulation::check_alignment(p, alignof(Vector), at);
    return *reinterpret_cast<const Vector*>(p);
}
template <class Vector, class T>
void store_vector(T* p, const Vector& v, Location at = Location::current()) {
    emulation::check_alignment(p, alignof(Vector), at);
    *reinterpret_cast<Vector*>(p) = v;
}

}  // namespace abr::cuda
