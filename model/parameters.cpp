#include "model/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "kernels/philox.hpp"

namespace abr {
namespace {

constexpr Index kAlignment = 16;  // elements: 64 bytes of float

Index aligned(Index n) {
    return (n + kAlignment - 1) / kAlignment * kAlignment;
}

float multiplier(const ParameterLayout::RateMultipliers& rates, ParameterGroup group) {
    switch (group) {
        case ParameterGroup::encoder:
            return rates.encoder;
        case ParameterGroup::decoder:
            return rates.decoder;
        case ParameterGroup::heads:
            return rates.heads;
    }
    return 1;
}

constexpr std::pair<std::string_view, ParameterGroup> kGroups[] = {{"encoder", ParameterGroup::encoder},
                                                                   {"decoder", ParameterGroup::decoder},
                                                                   {"heads", ParameterGroup::heads}};

}  // namespace

bool belongs_to(const ParameterSpec& spec, std::string_view part) {
    for (const auto& [name, group] : kGroups)
        if (part == name) return spec.group == group;
    return spec.name.starts_with(part) && (spec.name.size() == part.size() || spec.name[part.size()] == '.');
}

bool belongs_to_any(const ParameterSpec& spec, std::span<const std::string> parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const std::string& part) { return belongs_to(spec, part); });
}

Index ParameterLayout::add(ParameterSpec spec) {
    spec.size = std::accumulate(spec.shape.begin(), spec.shape.end(), Index{1}, std::multiplies<>());
    spec.offset = size_;
    size_ += spec.size;
    specs_.push_back(std::move(spec));
    return specs_.back().offset;
}

Index ParameterLayout::weight(std::string name, std::vector<Index> shape, Index fan_in,
                              ParameterGroup group) {
    size_ = aligned(size_);
    return add({.name = std::move(name),
                .shape = std::move(shape),
                .group = group,
                .decay = true,
                .initialisation = Initialisation::uniform,
                .fan_in = fan_in});
}

Index ParameterLayout::bias(std::string name, Index size, ParameterGroup group) {
    size_ = aligned(size_);
    return add({.name = std::move(name), .shape = {size}, .group = group});
}

Index ParameterLayout::norm_weight(std::string name, Index size, ParameterGroup group) {
    size_ = aligned(size_);
    return add(
        {.name = std::move(name), .shape = {size}, .group = group, .initialisation = Initialisation::ones});
}

Index ParameterLayout::film(std::string name, std::vector<Index> shape, ParameterGroup group) {
    size_ = aligned(size_);
    return add({.name = std::move(name), .shape = std::move(shape), .group = group, .film = true});
}

Index ParameterLayout::bias_after_gap(std::string name, Index gap, Index size, ParameterGroup group) {
    size_ += gap;
    return add({.name = std::move(name), .shape = {size}, .group = group});
}

Index ParameterLayout::count() const {
    return std::accumulate(specs_.begin(), specs_.end(), Index{0},
                           [](Index sum, const ParameterSpec& spec) { return sum + spec.size; });
}

std::vector<ParameterSegment> ParameterLayout::segments(const RateMultipliers& rates) const {
    std::vector<ParameterSegment> segments;
    Index end = 0;
    for (const auto& spec : specs_) {
        const bool frozen = belongs_to_any(spec, rates.frozen);
        if (spec.offset > end)
            segments.push_back({.begin = end, .end = spec.offset, .rate_multiplier = 0, .frozen = frozen});
        end = spec.offset + spec.size;
        segments.push_back({.begin = spec.offset,
                            .end = end,
                            .rate_multiplier = multiplier(rates, spec.group),
                            .decay = spec.decay,
                            .frozen = frozen});
    }
    return segments;
}

template <class T>
void ParameterLayout::initialise(std::uint64_t seed, std::span<T> buffer) const {
    std::fill(buffer.begin(), buffer.end(), T{0});
    const std::uint64_t key = stream_key(seed, Purpose::initialisation);
    for (std::size_t tensor = 0; tensor < specs_.size(); ++tensor) {
        const auto& spec = specs_[tensor];
        T* values = buffer.data() + spec.offset;
        if (spec.initialisation == Initialisation::ones) std::fill_n(values, spec.size, T{1});
        if (spec.initialisation != Initialisation::uniform) continue;
        const float bound = std::sqrt(3.0f / static_cast<float>(spec.fan_in));
        for (Index e = 0; e < spec.size; ++e) {
            const auto words =
                philox4x32(key, static_cast<std::uint32_t>(e / 4), static_cast<std::uint32_t>(tensor), 0, 0);
            values[e] =
                static_cast<T>(bound * (2.0f * to_uniform(words[static_cast<std::size_t>(e % 4)]) - 1.0f));
        }
    }
}

template void ParameterLayout::initialise<float>(std::uint64_t, std::span<float>) const;
template void ParameterLayout::initialise<double>(std::uint64_t, std::span<double>) const;

}  // namespace abr
