#include "engine/input/resample.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/error.hpp"

namespace abr {
namespace {

// The old samples that make a new one, and their weights, which add to 1.
struct Taps {
    std::int64_t first = 0;
    std::vector<double> weights;
};

Taps taps_of(std::int64_t sample, double from_ms, double to_ms, std::int64_t old_length) {
    const double time = (static_cast<double>(sample) + 0.5) * to_ms;
    const double centre = time / from_ms - 0.5;  // in old samples
    const double half_width = std::max(1.0, to_ms / from_ms);
    Taps taps;
    taps.first = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(centre - half_width)), 0,
                                          old_length - 1);
    double sum = 0;
    for (std::int64_t k = taps.first; k < old_length; ++k) {
        const double weight = 1 - std::abs(static_cast<double>(k) - centre) / half_width;
        if (weight <= 0 && !taps.weights.empty()) break;
        taps.weights.push_back(std::max(weight, 0.0));
        sum += taps.weights.back();
    }
    // Before the first and behind the last sample the edge holds.
    if (sum == 0) return {centre < 0 ? 0 : old_length - 1, {1.0}};
    for (double& weight : taps.weights) weight /= sum;
    return taps;
}

std::vector<float> convert(const std::vector<float>& signals, std::int64_t rows, std::int64_t old_length,
                           const std::vector<Taps>& taps) {
    std::vector<float> converted;
    converted.reserve(static_cast<std::size_t>(rows) * taps.size());
    for (std::int64_t r = 0; r < rows; ++r) {
        for (const Taps& tap : taps) {
            const float* from = signals.data() + r * old_length + tap.first;
            double value = 0;
            for (std::size_t i = 0; i < tap.weights.size(); ++i) value += tap.weights[i] * double{from[i]};
            converted.push_back(static_cast<float>(value));
        }
    }
    return converted;
}

}  // namespace

Recordings resampled(Recordings recordings, double sample_interval_ms, std::int64_t length) {
    const double end = static_cast<double>(length) * sample_interval_ms;
    const double old_end = static_cast<double>(recordings.length) * recordings.sample_interval_ms;
    if (old_end < end - recordings.sample_interval_ms / 2) {
        throw InputError(
            fmt::format("the recordings end at {:.4g} ms, {:.4g} ms are wanted: nothing can be resampled "
                        "from what was not recorded",
                        old_end, end));
    }
    std::vector<Taps> taps;
    for (std::int64_t k = 0; k < length; ++k)
        taps.push_back(taps_of(k, recordings.sample_interval_ms, sample_interval_ms, recordings.length));
    recordings.signal = convert(recordings.signal, recordings.rows, recordings.length, taps);
    if (recordings.has_clean)
        recordings.clean = convert(recordings.clean, recordings.rows, recordings.length, taps);
    recordings.length = length;
    recordings.sample_interval_ms = sample_interval_ms;
    return recordings;
}

}  // namespace abr
