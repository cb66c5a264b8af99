// Everything that is measured on a split: one struct, one list of names, one function that computes it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/components.hpp"
#include "kernels/evaluation.hpp"
#include "metrics/classification.hpp"
#include "metrics/metric.hpp"

namespace abr {

struct ScalarMetrics {
    Metric mae, r2;  // in the task's unit
};
struct BinaryMetrics {
    Metric f1, auc;
};

// The columns of epochs.csv that begin with `val_`, and the members of `val` and `test` in summary.json.
struct SplitMetrics {
    Metric loss_total;  // with the final weights
    PerComponent<Metric>
        loss;  // of a further loss that is off: neither a value nor a reason, and not visited
    Metric f1_macro, f1_weighted, f1_micro, accuracy, balanced_accuracy;
    std::vector<Metric> f1_class;  // (K)
    Metric f1_macro_majority;      // always the majority class of the training rows
    Metric patient_f1_macro;
    PerComponent<BinaryMetrics> binary;  // of binary tasks
    PerComponent<ScalarMetrics> scalar;  // of scalar tasks
    Metric signal_mse;                   // uV^2
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
    Index majority_class = 0;                                // of the training rows
    PerComponent<std::span<const float>> answer = {};        // logits of classes (N, K), of binary tasks (N)
    PerComponent<std::span<const std::int32_t>> label = {};  // of the same tasks; -1 = missing
    std::span<const std::int32_t> patient;
    std::span<const float> signal_correlation;  // NaN = not measured
    std::span<const float> signal_snr_gain_db;  // NaN = not measured
};
// Every metric has a value or a reason. Throws std::invalid_argument where sizes do not fit,
// std::domain_error where an output that a metric needs is not finite.
SplitMetrics split_metrics(const SplitEvaluation&);

}  // namespace abr
