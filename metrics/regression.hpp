// Regression metrics from the sums over a split.
#pragma once

#include <span>
#include <string_view>

#include "kernels/evaluation.hpp"
#include "metrics/metric.hpp"

namespace abr {

// Sum of |prediction - target| / count, in the target's unit. `target` names it in the reason for absence.
Metric mean_absolute_error(const RegressionSums&, std::string_view target);

// R^2 = 1 - SSE / SST with SST = sum (target - mean of the split's targets)^2, as scikit-learn. The sums
// carry SST itself, updated around the running mean, so that nothing cancels however large the mean is; it is
// exactly 0 where all targets are equal, and the metric is then absent.
Metric r2_score(const RegressionSums&, std::string_view target);

// The share of the recordings that have a target (NaN = missing) in which |prediction - target| <= tolerance, in
// the target's unit. A prediction that is NaN is within none. Throws std::invalid_argument on unequal lengths.
Metric share_within(std::span<const float> predicted, std::span<const float> target, double tolerance,
                    std::string_view name);

}  // namespace abr
