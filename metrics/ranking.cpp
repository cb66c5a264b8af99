#include "metrics/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace abr {

Metric roc_auc(std::span<const float> scores, std::span<const std::int32_t> labels) {
    if (scores.size() != labels.size()) throw std::invalid_argument("ROC AUC: one label for each score");
    struct Scored {
        float score;
        bool positive;
    };
    std::vector<Scored> scored;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (labels[i] < 0) continue;
        if (std::isnan(scores[i])) throw std::domain_error("ROC AUC: a score is NaN");
        scored.push_back({scores[i], labels[i] == 1});
    }
    std::ranges::sort(scored, {}, &Scored::score);

    std::int64_t positives = 0, negatives = 0;
    std::int64_t twice_wins = 0;  // pairs in which the positive scores higher, equal ones counting half
    for (std::size_t begin = 0; begin < scored.size();) {
        std::int64_t tied_positives = 0, tied_negatives = 0;
        std::size_t end = begin;
        for (; end < scored.size() && scored[end].score == scored[begin].score; ++end) {
            ++(scored[end].positive ? tied_positives : tied_negatives);
        }
        twice_wins += tied_positives * (2 * negatives + tied_negatives);
        positives += tied_positives;
        negatives += tied_negatives;
        begin = end;
    }
    if (positives + negatives == 0) return Metric::absent("ROC AUC: no recording of the split is labelled");
    if (positives == 0)
        return Metric::absent("ROC AUC needs both answers: the split has no positive recording");
    if (negatives == 0)
        return Metric::absent("ROC AUC needs both answers: the split has no negative recording");
    return Metric::of(static_cast<double>(twice_wins) /
                      (2.0 * static_cast<double>(positives) * static_cast<double>(negatives)));
}

}  // namespace abr
