// Comparing two tables of recordings.
#pragma once

#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "engine/recordings.hpp"

namespace abr::test {

// Bit for bit, so that NaN equals itself.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) return false;
    }
    return true;
}

inline void check_same(const Recordings& a, const Recordings& b) {
    CHECK(a.rows == b.rows);
    CHECK(a.length == b.length);
    CHECK(a.sample_interval_ms == b.sample_interval_ms);
    CHECK(a.patient == b.patient);
    CHECK(a.patients == b.patients);
    CHECK(a.ear == b.ear);
    CHECK(a.label == b.label);
    CHECK(same_bits(a.age_years, b.age_years));
    CHECK(same_bits(a.intensity_db, b.intensity_db));
    CHECK(same_bits(a.rate_hz, b.rate_hz));
    CHECK(same_bits(a.fmp, b.fmp));
    CHECK(same_bits(a.scalar[Component::peak_latency], b.scalar[Component::peak_latency]));
    CHECK(same_bits(a.scalar[Component::peak_amplitude], b.scalar[Component::peak_amplitude]));
    CHECK(same_bits(a.scalar[Component::threshold], b.scalar[Component::threshold]));
    CHECK(same_bits(a.signal, b.signal));
    CHECK(same_bits(a.clean, b.clean));
}

}  // namespace abr::test
