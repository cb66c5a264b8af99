#include "engine/input/resample.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/error.hpp"

namespace abr {
namespace {

// The Kaiser window's beta, and the cutoff as a share of Nyquist: with the half width of 16 the transition
// from 0.7 to 1.0 of Nyquist is what 32 samples and 75 dB need (Kaiser 1974).
constexpr double kKaiserBeta = 7.5, kCutoff = 0.85;
// Times closer than this share of an interval are the same.
constexpr double kSameTime = 1e-6;

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

float weighted(const Taps& taps, const float* samples) {
    double value = 0;
    for (std::size_t i = 0; i < taps.weights.size(); ++i)
        value += taps.weights[i] * double{samples[taps.first + static_cast<std::int64_t>(i)]};
    return static_cast<float>(value);
}

// A sinc of `cutoff` in the Nyquist frequency of the old grid under the window, at `distance` old samples.
double windowed_sinc(double distance, double cutoff, double half_width) {
    const double place = distance / half_width;
    if (std::abs(place) >= 1) return 0;
    // Less its value at the ends: a sample there must not count for rounding alone.
    const double window = std::cyl_bessel_i(0.0, kKaiserBeta * std::sqrt(1 - place * place)) - 1;
    const double angle = M_PI * cutoff * distance;
    return window * (angle == 0 ? 1 : std::sin(angle) / angle);
}

Taps band_limited_taps(double centre, double coarsening, std::int64_t old_length) {
    const double half_width = BandLimitedResampler::kHalfWidth * coarsening;
    Taps taps;
    taps.first = std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(centre - half_width)), 0);
    const auto last =
        std::min<std::int64_t>(static_cast<std::int64_t>(std::floor(centre + half_width)), old_length - 1);
    double sum = 0;
    for (std::int64_t k = taps.first; k <= last; ++k) {
        taps.weights.push_back(
            windowed_sinc(static_cast<double>(k) - centre, kCutoff / coarsening, half_width));
        sum += taps.weights.back();
    }
    for (double& weight : taps.weights) weight /= sum;
    return taps;
}

std::vector<float> convert(const std::vector<float>& signals, std::int64_t rows, std::int64_t old_length,
                           const std::vector<Taps>& taps) {
    std::vector<float> converted;
    converted.reserve(static_cast<std::size_t>(rows) * taps.size());
    for (std::int64_t r = 0; r < rows; ++r) {
        for (const Taps& tap : taps) converted.push_back(weighted(tap, signals.data() + r * old_length));
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

BandLimitedResampler::BandLimitedResampler(SampleTimes from, SampleTimes to) {
    const double margin = (0.5 + kSameTime) * from.interval_ms;
    const double old_end = from[from.length - 1], new_end = to[to.length - 1];
    if (to.first_ms < from.first_ms - margin || new_end > old_end + margin)
        throw InputError(
            fmt::format("the samples lie from {:.4g} to {:.4g} ms after the stimulus, and {:.4g} to "
                        "{:.4g} ms are wanted: nothing can be resampled from what was not recorded",
                        from.first_ms, old_end, to.first_ms, new_end));
    const double ratio = to.interval_ms / from.interval_ms;
    const double shift = (to.first_ms - from.first_ms) / from.interval_ms;
    const bool same_grid = std::abs(ratio - 1) * static_cast<double>(to.length) <= kSameTime &&
                           std::abs(shift - std::round(shift)) <= kSameTime;
    for (std::int64_t k = 0; k < to.length; ++k) {
        const double centre = shift + static_cast<double>(k) * ratio;
        taps_.push_back(same_grid ? Taps{static_cast<std::int64_t>(std::llround(centre)), {1.0}}
                                  : band_limited_taps(centre, std::max(ratio, 1.0), from.length));
    }
}

std::vector<float> BandLimitedResampler::operator()(std::span<const float> samples) const {
    std::vector<float> converted;
    converted.reserve(taps_.size());
    for (const Taps& taps : taps_) converted.push_back(weighted(taps, samples.data()));
    return converted;
}

}  // namespace abr
