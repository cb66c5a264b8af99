// Classification metrics from counts over a whole split, as scikit-learn defines them (zero_division = 0).
//
//   precision = TP / predicted,  recall = TP / support,  F1 = 2 TP / (predicted + support);  0 where the
//   denominator is 0. macro: plain mean over all K classes, absent ones included; weighted: mean with the
//   support as weight; micro: from the summed counts, which for one label a recording equals the accuracy;
//   balanced accuracy: mean recall over the classes that are present.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/evaluation.hpp"
#include "metrics/metric.hpp"

namespace abr {

// Counts of recordings, true class by predicted class.
class ConfusionMatrix {
  public:
    explicit ConfusionMatrix(Index classes);
    // counts (classes, classes), row-major. Throws std::invalid_argument on another size or a negative count.
    ConfusionMatrix(Index classes, std::span<const std::int64_t> counts);

    void add(Index true_class, Index predicted_class);
    std::int64_t count(Index true_class, Index predicted_class) const;
    std::int64_t support(Index true_class) const;
    std::int64_t predicted(Index predicted_class) const;
    std::int64_t total() const;
    Index classes() const { return classes_; }

  private:
    Index classes_;
    std::vector<std::int64_t> counts_;  // (classes, classes)
};

struct ClassScores {
    double precision = 0, recall = 0, f1 = 0;
    std::int64_t support = 0, predicted = 0;  // recordings
};

struct ClassificationReport {
    std::vector<ClassScores> classes;  // K, or none where no recording of the split has a label
    Metric f1_macro, f1_weighted, f1_micro, accuracy, balanced_accuracy;
};
ClassificationReport classification_report(const ConfusionMatrix&);

// The largest class; ties go to the lowest index. recordings (K): of the training rows, by class.
Index majority_class(std::span<const std::int64_t> recordings);
// Macro F1 of always answering `answer` on the recordings of this split.
Metric constant_answer_f1_macro(const ConfusionMatrix&, Index answer);

// F1 of the positive decision; absent where no recording is labelled.
Metric binary_f1(const BinarySums&);

}  // namespace abr
