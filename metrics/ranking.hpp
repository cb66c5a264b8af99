// Ranking quality of a score.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "metrics/metric.hpp"

namespace abr {

// The receiver operating characteristic: what a decision "yes where the score is at least t" finds and what it
// raises falsely, for every t. Counted in integers, so that nothing depends on the order of the recordings;
// equal scores are decided alike.
class RocCurve {
  public:
    // labels: 1, 0 or -1 (unlabelled, skipped), one for each score. Throws std::invalid_argument on unequal
    // lengths, std::domain_error on a labelled score that is NaN.
    RocCurve(std::span<const float> scores, std::span<const std::int32_t> labels);

    // The area under it: the chance that a positive scores above a negative, ties counting one half (Mann and
    // Whitney 1947; equals the trapezoidal area of scikit-learn). Absent unless both answers are there.
    Metric area() const;
    // The highest sensitivity (share of the positives that are found) among the decisions whose specificity
    // (share of the negatives that are not raised) is at least `specificity`: the curve read at a fixed rate
    // of false alarms (Pepe 2003, The Statistical Evaluation of Medical Tests, chapter 4). Between two
    // decisions nothing is interpolated. Absent as the area is.
    Metric sensitivity_at(double specificity) const;

  private:
    struct Tied {
        std::int64_t positives = 0, negatives = 0;  // recordings of one score
    };
    std::string lacks() const;  // what is missing for a metric of it; empty = nothing

    std::vector<Tied> tied_;  // by rising score
    std::int64_t positives_ = 0, negatives_ = 0;
};

}  // namespace abr
