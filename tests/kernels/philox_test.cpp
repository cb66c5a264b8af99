#include "kernels/philox.hpp"

#include <doctest/doctest.h>

#include "kernels/dropout.hpp"

using namespace abr;

// Vectors of Random123 1.14, tests/kat_vectors, philox 4x32 with 10 rounds.
TEST_CASE("philox4x32 gives the known answers of Random123") {
    CHECK(philox4x32(0, 0, 0, 0, 0) == Random4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox4x32(~0ull, ~0u, ~0u, ~0u, ~0u) == Random4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox4x32(0x299f31d0a4093822ull, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344) ==
          Random4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("stream keys of different purposes and seeds differ") {
    CHECK(stream_key(1, Purpose::dropout) != stream_key(1, Purpose::shuffle));
    CHECK(stream_key(1, Purpose::dropout) != stream_key(2, Purpose::dropout));
    CHECK(stream_key(1, 1001u) != stream_key(1, Purpose::dropout));
}

TEST_CASE("a dropout threshold compares the middle of a word's cell with the rate") {
    CHECK(dropout_threshold(0.5f) == 1u << 23);
    CHECK(dropout_threshold(0.25f) == 1u << 22);
    CHECK(dropout_threshold(0x1p-24f) == 1);  // cell 0 has its middle at 0.5 * 2^-24
    CHECK(dropout_threshold(0x1p-26f) == 0);
    CHECK(dropout_threshold(1 - 0x1p-24f) == (1u << 24) - 1);
    CHECK(dropout_factor((1u << 31) - 1, 1u << 23, 2.0f) == 0);
    CHECK(dropout_factor(1u << 31, 1u << 23, 2.0f) == 2);
}
