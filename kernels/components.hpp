// The loss components, in the order of every table that the engine writes.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace abr {

enum class Component { signal, peak_exist, peak_latency, peak_amplitude, classification, threshold };
inline constexpr std::size_t kComponents = 6;
inline constexpr std::array<std::string_view, kComponents> kComponentNames = {
    "signal", "peak_exist", "peak_latency", "peak_amplitude", "classification", "threshold"};

// One value for each component, indexed by Component.
template <class T>
struct PerComponent {
    std::array<T, kComponents> values{};
    constexpr T& operator[](Component c) { return values[static_cast<std::size_t>(c)]; }
    constexpr const T& operator[](Component c) const { return values[static_cast<std::size_t>(c)]; }
    constexpr T& operator[](std::size_t i) { return values[i]; }
    constexpr const T& operator[](std::size_t i) const { return values[i]; }
    bool operator==(const PerComponent&) const = default;
};

}  // namespace abr
