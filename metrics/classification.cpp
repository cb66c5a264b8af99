#include "metrics/classification.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

namespace abr {
namespace {

constexpr const char* kNoLabel = "no recording of the split has a class";

double ratio(double numerator, double denominator) {
    return denominator > 0 ? numerator / denominator : 0.0;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(Index classes) : classes_(classes) {
    if (classes < 1) throw std::invalid_argument("a confusion matrix needs at least one class");
    counts_.resize(static_cast<std::size_t>(classes * classes));
}

ConfusionMatrix::ConfusionMatrix(Index classes, std::span<const std::int64_t> counts)
    : ConfusionMatrix(classes) {
    if (counts.size() != counts_.size()) {
        throw std::invalid_argument("a confusion matrix of " + std::to_string(classes) + " classes has " +
                                    std::to_string(counts_.size()) + " counts, not " +
                                    std::to_string(counts.size()));
    }
    if (std::ranges::any_of(counts, [](std::int64_t n) { return n < 0; })) {
        throw std::invalid_argument("a confusion matrix has a negative count");
    }
    std::ranges::copy(counts, counts_.begin());
}

void ConfusionMatrix::add(Index true_class, Index predicted_class) {
    if (true_class < 0 || true_class >= classes_ || predicted_class < 0 || predicted_class >= classes_) {
        throw std::invalid_argument("a class index outside the confusion matrix");
    }
    ++counts_[static_cast<std::size_t>(true_class * classes_ + predicted_class)];
}

std::int64_t ConfusionMatrix::count(Index true_class, Index predicted_class) const {
    return counts_.at(static_cast<std::size_t>(true_class * classes_ + predicted_class));
}

std::int64_t ConfusionMatrix::support(Index true_class) const {
    std::int64_t sum = 0;
    for (Index p = 0; p < classes_; ++p) sum += count(true_class, p);
    return sum;
}

std::int64_t ConfusionMatrix::predicted(Index predicted_class) const {
    std::int64_t sum = 0;
    for (Index t = 0; t < classes_; ++t) sum += count(t, predicted_class);
    return sum;
}

std::int64_t ConfusionMatrix::total() const {
    return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

ClassificationReport classification_report(const ConfusionMatrix& confusion) {
    ClassificationReport report;
    const auto total = static_cast<double>(confusion.total());
    if (total == 0) {
        for (Metric* metric : {&report.f1_macro, &report.f1_weighted, &report.f1_micro, &report.accuracy,
                               &report.balanced_accuracy}) {
            *metric = Metric::absent(kNoLabel);
        }
        return report;
    }
    double f1_sum = 0, weighted_sum = 0, recall_sum = 0, correct = 0;
    int present = 0;
    for (Index c = 0; c < confusion.classes(); ++c) {
        ClassScores scores;
        scores.support = confusion.support(c);
        scores.predicted = confusion.predicted(c);
        const auto true_positive = static_cast<double>(confusion.count(c, c));
        const auto support = static_cast<double>(scores.support);
        const auto predicted = static_cast<double>(scores.predicted);
        scores.precision = ratio(true_positive, predicted);
        scores.recall = ratio(true_positive, support);
        scores.f1 = ratio(2 * true_positive, support + predicted);
        f1_sum += scores.f1;
        weighted_sum += support * scores.f1;
        correct += true_positive;
        if (scores.support > 0) {
            recall_sum += scores.recall;
            ++present;
        }
        report.classes.push_back(scores);
    }
    report.f1_macro = Metric::of(f1_sum / static_cast<double>(confusion.classes()));
    report.f1_weighted = Metric::of(weighted_sum / total);
    // Summed over the classes, false positives and false negatives are both the wrong answers, so that
    // 2 TP / (2 TP + FP + FN) = correct / total.
    report.f1_micro = Metric::of(correct / total);
    report.accuracy = Metric::of(correct / total);
    report.balanced_accuracy = Metric::of(recall_sum / present);
    return report;
}

Index majority_class(std::span<const std::int64_t> recordings) {
    if (recordings.empty()) throw std::invalid_argument("the majority of no classes");
    return std::ranges::max_element(recordings) - recordings.begin();  // the first of equals
}

Metric constant_answer_f1_macro(const ConfusionMatrix& confusion, Index answer) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(confusion.classes() * confusion.classes()));
    for (Index t = 0; t < confusion.classes(); ++t) {
        counts.at(static_cast<std::size_t>(t * confusion.classes() + answer)) = confusion.support(t);
    }
    return classification_report(ConfusionMatrix(confusion.classes(), counts)).f1_macro;
}

Metric binary_f1(const BinarySums& sums) {
    if (sums.true_positive + sums.false_positive + sums.false_negative + sums.true_negative == 0) {
        return Metric::absent("no recording of the split is labelled for the existence of wave V");
    }
    const auto twice_correct = 2 * static_cast<double>(sums.true_positive);
    return Metric::of(ratio(twice_correct, twice_correct + static_cast<double>(sums.false_positive) +
                                               static_cast<double>(sums.false_negative)));
}

}  // namespace abr
