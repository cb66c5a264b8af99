// Whether stated probabilities come true, and the temperature that makes them.
//
// Reliability: recordings are sorted into 15 bins of equal width by a probability, low < p <= high; in each bin the
// mean probability stands against the share of recordings in which it came true.
//   ECE = sum over the bins of n_bin / N |share_bin - mean probability_bin|,  the expected calibration error
// Of classes the probability is that of the predicted class, and it comes true where that is the class (Guo, Pleiss,
// Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", equation 3); of a yes-or-no task it is that of
// yes (Naeini, Cooper and Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning").
//
// Temperature scaling (Guo et al., section 4.2): logits are divided by one positive number, fitted on recordings that
// the network did not learn from. It changes no decision and no order.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/components.hpp"
#include "kernels/view.hpp"
#include "metrics/metric.hpp"

namespace abr {

// What a task that states probabilities says of N recordings.
struct TaskLogits {
    std::span<const float> logits;        // (N, K), or (N) of a yes-or-no task
    std::span<const std::int32_t> label;  // (N), -1 = missing: left out
    Index classes = 0;                    // K; 0: a yes-or-no task
};

struct ReliabilityBin {
    double low = 0, high = 0;  // of the probability; the first bin holds 0, too
    std::int64_t recordings = 0;
    double mean_probability = 0, share_true = 0;  // 0 in a bin without recordings
};
using Reliability = std::array<ReliabilityBin, 15>;

// These throw std::invalid_argument where there are not as many logits as labels ask for, std::domain_error for a
// labelled recording with a logit that is not finite.
Reliability reliability(const TaskLogits&, double temperature);

// Absent where no recording is labelled.
Metric expected_calibration_error(const Reliability&);

// One factor for each component, of which those with logits use theirs.
using Temperatures = PerComponent<double>;
inline constexpr Temperatures kUncalibrated = [] {
    Temperatures ones;
    ones.values.fill(1);
    return ones;
}();

// The temperature between these that minimises the negative log-likelihood of the labels, which is convex in its
// inverse. 1 where the labels say nothing of it. The bounds are for validation sets so small that every answer is
// right, or none.
inline constexpr double kLowestTemperature = 0.05, kHighestTemperature = 20;
double fit_temperature(const TaskLogits&);

}  // namespace abr
