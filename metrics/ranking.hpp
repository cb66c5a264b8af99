// Ranking quality of a score.
#pragma once

#include <cstdint>
#include <span>

#include "metrics/metric.hpp"

namespace abr {

// Area under the ROC curve: the chance that a positive scores above a negative, ties counting one half
// (Mann and Whitney 1947; equals the trapezoidal area of scikit-learn). Counted in integers, so it does not
// depend on the order. labels: 1, 0 or -1 (unlabelled, skipped), one for each score. Absent if only one class
// is there. Throws std::invalid_argument on unequal lengths, std::domain_error on a labelled score that is
// NaN.
Metric roc_auc(std::span<const float> scores, std::span<const std::int32_t> labels);

}  // namespace abr
