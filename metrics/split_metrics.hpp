// Everything that is measured on a split: one struct, one list of names, one function that computes it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/components.hpp"
#include "kernels/evaluation.hpp"
#include "metrics/calibration.hpp"
#include "metrics/classification.hpp"
#include "metrics/metric.hpp"

namespace abr {

struct ScalarMetrics {
    Metric mae, r2;                          // in the task's unit
    std::array<Metric, kTolerances> within;  // share of recordings, of the task's tolerances that are not 0
};
struct BinaryMetrics {
    Metric f1, auc, sensitivity;  // the last at kSpecificity
};
struct CalibrationMetrics {
    Metric ece, ece_uncalibrated;  // with the fitted temperature, and without
};

// At which the sensitivity of a yes-or-no task is told: one false alarm in 40 negative recordings.
inline constexpr double kSpecificity = 0.975;

// The columns of epochs.csv that begin with `val_`, and the members of `val` and `test` in summary.json.
struct SplitMetrics {
    Metric loss_total;  // with the final weights
    PerComponent<Metric>
        loss;  // of a further loss that is off: neither a value nor a reason, and not visited
    Metric f1_macro, f1_weighted, f1_micro, accuracy, balanced_accuracy;
    std::vector<Metric> f1_class;  // (K)
    Metric f1_macro_majority;      // always the majority class of the training rows
    Metric patient_f1_macro;
    Metric ear_f1_macro;  // where no recording says its ear: neither a value nor a reason, and not visited
    PerComponent<CalibrationMetrics> calibration;  // of tasks with logits
    PerComponent<BinaryMetrics> binary;            // of binary tasks
    PerComponent<ScalarMetrics> scalar;            // of scalar tasks
    Metric signal_mse;                             // uV^2
    Metric signal_correlation, signal_correlation_median;
    Metric signal_snr_gain_db, signal_snr_gain_db_median;
};

// Calls visit(name, metric) for every metric in the order of the contract, names without a split's prefix:
// "loss_total", "loss_signal", …, "f1_NORMAL", …. class_names (K), as many as metrics.f1_class.
void for_each_metric(const SplitMetrics& metrics, std::span<const std::string> class_names,
                     const std::function<void(const std::string& name, const Metric& metric)>& visit);

// What evaluation left on the host for one split of N recordings. Spans are (N) unless said otherwise, and
// may be empty for what a dropped component would have given.
struct SplitEvaluation {
    PerComponent<std::string> dropped;  // why a component is not trained; empty = it is
    PerComponent<double> final_weights;
    LossSums losses;
    EvaluationSums sums;
    ConfusionMatrix confusion;
    Index majority_class = 0;  // of the training rows
    // Logits of classes (N, K), of binary tasks (N); values of scalar tasks.
    PerComponent<std::span<const float>> answer = {};
    PerComponent<std::span<const std::int32_t>> label = {};  // of the same tasks; -1 = missing
    PerComponent<std::span<const float>> target = {};        // of scalar tasks, in their units; NaN = missing
    Temperatures temperature = kUncalibrated;
    std::span<const std::int32_t> patient;
    std::span<const std::int8_t> ear;           // 0 left, 1 right, -1 missing; empty: the data do not say
    std::span<const float> signal_correlation;  // NaN = not measured
    std::span<const float> signal_snr_gain_db;  // NaN = not measured
};
// Every metric has a value or a reason. Throws std::invalid_argument where sizes do not fit,
// std::domain_error where an output that a metric needs is not finite.
SplitMetrics split_metrics(const SplitEvaluation&);

}  // namespace abr
