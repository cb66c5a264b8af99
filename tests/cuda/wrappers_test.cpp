// What CUDA's documentation says of each instruction that the kernels use, on whatever this program is linked with.
#include "tests/cuda/wrappers/wrappers.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/cuda/buffer.hpp"

using namespace abr;
using namespace abr::test;

namespace {

constexpr unsigned kLanes = 32;
using Words = std::vector<std::uint32_t>;

template <class T, class F>
std::vector<T> per_lane(const F& value) {
    std::vector<T> values;
    for (unsigned lane = 0; lane < kLanes; ++lane) values.push_back(static_cast<T>(value(lane)));
    return values;
}
// What comes back where `in` went in.
template <class T, class Op>
std::vector<T> through(const std::vector<T>& in, const Op& op) {
    cuda::Stream stream;
    cuda::Buffer<T> from(kLanes), to(kLanes);
    from.copy_from(in);
    op(stream, from.data(), to.data());
    stream.synchronize();
    std::vector<T> out(kLanes);
    to.copy_to(out);
    return out;
}

// Distinct in every lane and every byte.
const Words kWords = per_lane<std::uint32_t>([](unsigned lane) { return 0x01030507u * (lane + 1); });
const std::vector<float> kFloats =
    per_lane<float>([](unsigned lane) { return 1.1f * static_cast<float>(lane) + 0.3f; });

Words moved(unsigned (*source)(unsigned)) {
    return per_lane<std::uint32_t>([&](unsigned lane) { return kWords[source(lane)]; });
}

}  // namespace

TEST_CASE("wrapper: shuffles") {
    CHECK(through(kWords, wrappers::shfl) == moved([](unsigned lane) { return 3 * lane % kLanes; }));
    CHECK(through(kWords, wrappers::shfl_down) ==
          moved([](unsigned lane) { return lane + 5 < kLanes ? lane + 5 : lane; }));
    CHECK(through(kWords, wrappers::shfl_xor) == moved([](unsigned lane) { return lane ^ 9u; }));
    CHECK(through(kFloats, wrappers::shfl_xor_float) ==
          per_lane<float>([](unsigned lane) { return kFloats[lane ^ 16u]; }));
    CHECK(through(kWords, wrappers::shfl_part_of_warp) ==
          moved([](unsigned lane) { return lane % 2 == 0 ? lane ^ 2u : lane; }));
}

TEST_CASE("wrapper: votes") {
    const auto third = per_lane<std::uint32_t>([](unsigned lane) { return lane % 3 == 0; });
    std::uint32_t mask = 0;
    for (unsigned lane = 0; lane < kLanes; lane += 3) mask |= 1u << lane;
    CHECK(through(third, wrappers::ballot) == Words(kLanes, mask));
    CHECK(through(third, wrappers::any_and_all) == Words(kLanes, 1));
    CHECK(through(Words(kLanes, 0), wrappers::any_and_all) == Words(kLanes, 0));
    CHECK(through(Words(kLanes, 7), wrappers::any_and_all) == Words(kLanes, 3));
}

TEST_CASE("wrapper: barriers of a warp and of a block, and shared memory") {
    CHECK(through(kWords, wrappers::barriers) == per_lane<std::uint32_t>([](unsigned lane) {
              return kWords[lane] + 2 * kWords[kLanes - 1 - lane];
          }));
}

TEST_CASE("wrapper: atomicAdd") {
    Words expected(kLanes, 0);
    for (unsigned thread = 0; thread < 128; ++thread) {
        expected[0] += 1;
        expected[1 + thread % 31] += thread;
    }
    CHECK(through(Words(kLanes, 0),
                  [](auto& stream, auto*, auto* out) { wrappers::atomic_add(stream, out); }) == expected);
}

TEST_CASE("wrapper: vectors of four") {
    CHECK(through(kFloats, wrappers::vectors) ==
          per_lane<float>([](unsigned lane) { return kFloats[lane ^ 3u]; }));
}

TEST_CASE("wrapper: a product that is not fused") {
    CHECK(through(kFloats, wrappers::product_apart) == std::vector<float>(kLanes, 0));
}

// Two units in the last place: CUDA Math API, accuracy of single- and double-precision functions.
TEST_CASE("wrapper: rsqrtf, sinpi, cospi") {
    const auto roots = through(kFloats, wrappers::reciprocal_root);
    std::vector<double> angles(kLanes);
    for (unsigned lane = 0; lane < kLanes; ++lane) angles[lane] = 0.37 * lane - 3;
    const auto waves = through(angles, wrappers::sine_and_cosine);
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        const double root = 1 / std::sqrt(static_cast<double>(kFloats[lane]));
        CHECK(std::abs(roots[lane] - root) <= 2 * 0x1p-23 * root);
        const double angle = std::numbers::pi * std::remainder(angles[lane], 2.0);
        CHECK(std::abs(waves[lane] - (lane % 2 == 0 ? std::sin(angle) : std::cos(angle))) <= 4e-15);
    }
}

TEST_CASE("wrapper: dynamic shared memory, below and above what has to be asked for") {
    for (const int bytes : {128, 32 << 10, 48 << 10, 64 << 10}) {
        CAPTURE(bytes);
        CHECK(through(kFloats, [&](auto& stream, auto* in, auto* out) {
                  wrappers::dynamic_shared(stream, bytes, in, out);
              }) == per_lane<float>([](unsigned lane) { return kFloats[kLanes - 1 - lane]; }));
    }
}
