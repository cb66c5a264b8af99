#include "engine/synthetic/annotation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace abr::synthetic {
namespace {

constexpr double kNoResponseUv = 0.012;  // below it nothing is there to be seen
constexpr double kFalseMarkShare = 0.02;
constexpr double kSearchMs = 0.5;           // about the true latency
constexpr double kTroughMs = 2.6;           // after the peak
constexpr double kShortTroughMs = 1.2;      // less of the recording than this hides the trough
constexpr double kUnseenLatencySd = 0.12;   // ms, of a peak beyond the window
constexpr double kUnseenAmplitudeSd = 1.2;  // of the residual noise
constexpr double kCriterionUv = 0.040, kCriterionNoise = 2.5, kCriterionSigma = 0.25;
constexpr double kCursorSd = 0.08;  // ms
constexpr double kSlipShare = 0.03, kSlipSd = 0.45;
constexpr double kEarliestMs = 4.8, kLatestMs = 18.5;

// The display's smoothing, about 0.3 ms wide; the ends repeat their last sample.
void smooth(std::span<double> x, double sample_interval_ms) {
    constexpr std::array kWide = {1 / 16.0, 2 / 16.0, 3 / 16.0, 4 / 16.0, 3 / 16.0, 2 / 16.0, 1 / 16.0};
    constexpr std::array kNarrow = {0.25, 0.5, 0.25};
    const bool fine = sample_interval_ms < 0.075;
    const std::span<const double> kernel = fine ? std::span<const double>(kWide) : kNarrow;
    const auto reach = static_cast<std::ptrdiff_t>(kernel.size() / 2);
    const auto last = static_cast<std::ptrdiff_t>(x.size()) - 1;
    const std::vector<double> from(x.begin(), x.end());
    for (std::ptrdiff_t k = 0; k <= last; ++k) {
        double sum = 0;
        for (std::ptrdiff_t j = -reach; j <= reach; ++j) {
            const auto source = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(k + j, 0, last));
            sum += kernel[static_cast<std::size_t>(j + reach)] * from[source];
        }
        x[static_cast<std::size_t>(k)] = sum;
    }
}

// What the annotator measures at a wave V that is there.
WaveVMark measure(std::span<const double> y, const Response& response, double residual_uv,
                  double sample_interval_ms, CohortRandom& random) {
    const double window_ms = static_cast<double>(y.size()) * sample_interval_ms;
    // First sample at or after a time.
    const auto sample_at = [&](double ms) {
        return static_cast<std::size_t>(
            std::clamp(std::ceil(ms / sample_interval_ms - 0.5), 0.0, static_cast<double>(y.size())));
    };
    const double guessed_uv = response.wave_v_uv + random.normal(0, kUnseenAmplitudeSd * residual_uv);
    const std::size_t from = sample_at(response.wave_v_ms - kSearchMs);
    if (from >= y.size()) return {response.wave_v_ms + random.normal(0, kUnseenLatencySd), guessed_uv};

    const std::size_t to = std::max(from + 1, sample_at(response.wave_v_ms + kSearchMs));
    const auto peak = std::max_element(y.begin() + static_cast<std::ptrdiff_t>(from),
                                       y.begin() + static_cast<std::ptrdiff_t>(to));
    const double peak_ms = (static_cast<double>(peak - y.begin()) + 0.5) * sample_interval_ms;
    const auto end = y.begin() + static_cast<std::ptrdiff_t>(sample_at(peak_ms + kTroughMs));
    double amplitude_uv = *peak - *std::min_element(peak, std::max(end, peak + 1));
    if (window_ms - peak_ms < kShortTroughMs) amplitude_uv = std::max(amplitude_uv, guessed_uv);
    return {peak_ms, amplitude_uv};
}

}  // namespace

std::optional<WaveVMark> draw_mark(std::span<double> seen, const Response& response, double residual_uv,
                                   double sample_interval_ms, CohortRandom& random) {
    WaveVMark mark;
    if (response.wave_v_uv > kNoResponseUv) {
        smooth(seen, sample_interval_ms);
        mark = measure(seen, response, residual_uv, sample_interval_ms, random);
        const double criterion =
            std::max(kCriterionUv, kCriterionNoise * residual_uv) * random.log_normal(1, kCriterionSigma);
        if (mark.amplitude_uv < criterion) return std::nullopt;
    } else {
        if (!random.chance(kFalseMarkShare)) return std::nullopt;
        mark = {5.2 + random.gamma(3, 1), kCriterionNoise * residual_uv};
    }
    const bool slip = random.chance(kSlipShare);
    mark.latency_ms =
        std::clamp(mark.latency_ms + random.normal(0, slip ? kSlipSd : kCursorSd), kEarliestMs, kLatestMs);
    return mark;
}

}  // namespace abr::synthetic
