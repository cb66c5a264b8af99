#include "metrics/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <ranges>
#include <stdexcept>
#include <string>

namespace abr {

RocCurve::RocCurve(std::span<const float> scores, std::span<const std::int32_t> labels) {
    if (scores.size() != labels.size()) throw std::invalid_argument("ROC: one label for each score");
    struct Scored {
        float score;
        bool positive;
    };
    std::vector<Scored> scored;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (labels[i] < 0) continue;
        if (std::isnan(scores[i])) throw std::domain_error("ROC: a score is NaN");
        scored.push_back({scores[i], labels[i] == 1});
    }
    std::ranges::sort(scored, {}, &Scored::score);
    for (std::size_t i = 0; i < scored.size(); ++i) {
        if (i == 0 || scored[i].score != scored[i - 1].score) tied_.emplace_back();
        ++(scored[i].positive ? tied_.back().positives : tied_.back().negatives);
        ++(scored[i].positive ? positives_ : negatives_);
    }
}

std::string RocCurve::lacks() const {
    if (positives_ + negatives_ == 0) return "no recording of the split is labelled";
    if (positives_ == 0) return "both answers are needed: the split has no positive recording";
    if (negatives_ == 0) return "both answers are needed: the split has no negative recording";
    return {};
}

Metric RocCurve::area() const {
    if (const std::string reason = lacks(); !reason.empty()) return Metric::absent("ROC AUC: " + reason);
    std::int64_t negatives = 0;   // with a lower score
    std::int64_t twice_wins = 0;  // pairs in which the positive scores higher, equal ones counting half
    for (const Tied& tied : tied_) {
        twice_wins += tied.positives * (2 * negatives + tied.negatives);
        negatives += tied.negatives;
    }
    return Metric::of(static_cast<double>(twice_wins) /
                      (2.0 * static_cast<double>(positives_) * static_cast<double>(negatives_)));
}

Metric RocCurve::sensitivity_at(double specificity) const {
    if (const std::string reason = lacks(); !reason.empty())
        return Metric::absent("sensitivity at a specificity: " + reason);
    const double allowed = (1 - specificity) * static_cast<double>(negatives_);
    std::int64_t found = 0, raised = 0;
    for (const Tied& tied : tied_ | std::views::reverse) {
        raised += tied.negatives;
        if (static_cast<double>(raised) > allowed) break;
        found += tied.positives;
    }
    return Metric::of(static_cast<double>(found) / static_cast<double>(positives_));
}

}  // namespace abr
