// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC'11). A draw depends on nothing but its key and counter, so micro-batches, threads, resume and the
// backend cannot change it. Integers are exact everywhere; normals agree to 1e-6 between backends.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "kernels/host_device.hpp"

namespace abr {

// What a draw is for; each purpose has a stream of its own.
enum class Purpose : std::uint32_t {
    initialisation = 1,
    split = 2,
    shuffle = 3,
    cohort = 4,
    bootstrap = 5,
    augment_decision = 10,  // laid out in kernels/batch.hpp, as those up to validation_noise
    augment_statics = 11,
    degradation_decision = 12,
    degradation_noise = 13,
    validation_noise = 14,
    gradient_check = 15,
    degradation_tones = 16,  // kernels/batch/interference.hpp
    validation_tones = 17,
    dropout = 1000,  // + the dropout layer's number
};

using Random4 = std::array<std::uint32_t, 4>;

// Four 32-bit words for counter (c0, c1, c2, c3) under a 64-bit key.
ABR_HOST_DEVICE inline Random4 philox4x32(std::uint64_t key, std::uint32_t c0, std::uint32_t c1,
                                          std::uint32_t c2, std::uint32_t c3) {
    auto k0 = static_cast<std::uint32_t>(key);
    auto k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
        const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
        const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
        const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
        c1 = static_cast<std::uint32_t>(p1);
        c3 = static_cast<std::uint32_t>(p0);
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return {c0, c1, c2, c3};
}

// The key of one purpose under a user's seed: SplitMix64 of both (Steele, Lea, Flood 2014).
ABR_HOST_DEVICE inline std::uint64_t stream_key(std::uint64_t seed, std::uint32_t purpose) {
    std::uint64_t z = seed + 0x9E3779B97F4A7C15ull * (std::uint64_t{purpose} + 1);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}
ABR_HOST_DEVICE inline std::uint64_t stream_key(std::uint64_t seed, Purpose purpose) {
    return stream_key(seed, static_cast<std::uint32_t>(purpose));
}

// Uniform in (0, 1): the middle of one of 2^23 equal cells, exact in float.
ABR_HOST_DEVICE inline float to_uniform(std::uint32_t bits) {
    return (static_cast<float>(bits >> 9) + 0.5f) * 0x1p-23f;
}
// Uniform in (0, 1) with 53 bits.
ABR_HOST_DEVICE inline double to_uniform_double(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t bits = (std::uint64_t{high} << 32 | low) >> 11;
    return (static_cast<double>(bits) + 0.5) * 0x1p-53;
}

struct NormalPair {
    float first, second;
};
// Two independent standard normals (Box and Muller 1958).
ABR_HOST_DEVICE inline NormalPair to_normal(std::uint32_t a, std::uint32_t b) {
    const float radius = std::sqrt(-2.0f * std::log(to_uniform(a)));
    const float angle = 6.28318530717958647692f * to_uniform(b);
#if defined(__CUDA_ARCH__)
    double sine, cosine;  // unlike those of a float's sine, its registers do for every angle: no local memory
    sincospi(0.31830988618379067154 * angle, &sine, &cosine);
    return {radius * static_cast<float>(cosine), radius * static_cast<float>(sine)};
#else
    return {radius * std::cos(angle), radius * std::sin(angle)};
#endif
}

}  // namespace abr
