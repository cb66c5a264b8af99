#include "metrics/split_metrics.hpp"

#include <stdexcept>
#include <utility>

#include "metrics/patient.hpp"
#include "metrics/ranking.hpp"
#include "metrics/regression.hpp"
#include "metrics/summary.hpp"

namespace abr {
namespace {

const std::string& dropped(const SplitEvaluation& split, Component component) {
    return split.dropped[component];
}

void losses(const SplitEvaluation& split, SplitMetrics& metrics) {
    double total = 0;
    bool any = false;
    for (std::size_t i = 0; i < kComponents; ++i) {
        const double denominator = split.losses.denominator[i];
        if (!split.dropped[i].empty()) {
            metrics.loss[i] = Metric::absent(split.dropped[i]);
        } else if (denominator == 0) {
            metrics.loss[i] = Metric::absent("no recording of the split has this target");
        } else {
            const double loss = split.losses.numerator[i] / denominator;
            metrics.loss[i] = Metric::of(loss);
            // A component that is off may be NaN or Inf without touching the total.
            if (split.final_weights[i] == 0) continue;
            total += split.final_weights[i] * loss;
            any = true;
        }
    }
    metrics.loss_total = any ? Metric::of(total) : Metric::absent("no component with a weight has a target");
}

void classification(const SplitEvaluation& split, SplitMetrics& metrics) {
    const auto classes = static_cast<std::size_t>(split.confusion.classes());
    ClassificationReport report;
    Metric patient;
    const std::string& reason = dropped(split, Component::classification);
    if (reason.empty()) {
        if (split.logits.size() != split.label.size() * classes ||
            split.patient.size() != split.label.size()) {
            throw std::invalid_argument("split metrics: logits, labels and patients of different lengths");
        }
        PatientVotes votes(split.confusion.classes());
        for (std::size_t r = 0; r < split.label.size(); ++r) {
            votes.add(split.patient[r], split.logits.subspan(r * classes, classes), split.label[r]);
        }
        report = classification_report(split.confusion);
        patient = classification_report(votes.confusion()).f1_macro;
        metrics.f1_macro_majority = constant_answer_f1_macro(split.confusion, split.majority_class);
    } else {
        report.f1_macro = report.f1_weighted = report.f1_micro = report.accuracy = report.balanced_accuracy =
            patient = metrics.f1_macro_majority = Metric::absent(reason);
    }
    for (const ClassScores& scores : report.classes) metrics.f1_class.push_back(Metric::of(scores.f1));
    metrics.f1_class.resize(classes, Metric::absent(report.f1_macro.reason));
    metrics.f1_macro = std::move(report.f1_macro);
    metrics.f1_weighted = std::move(report.f1_weighted);
    metrics.f1_micro = std::move(report.f1_micro);
    metrics.accuracy = std::move(report.accuracy);
    metrics.balanced_accuracy = std::move(report.balanced_accuracy);
    metrics.patient_f1_macro = std::move(patient);
}

void existence(const SplitEvaluation& split, SplitMetrics& metrics) {
    const std::string& reason = dropped(split, Component::peak_exist);
    metrics.peak_exist_f1 = reason.empty() ? binary_f1(split.sums.exist) : Metric::absent(reason);
    metrics.peak_exist_auc =
        reason.empty() ? roc_auc(split.exist_logit, split.exist) : Metric::absent(reason);
}

void regression(const std::string& reason, const RegressionSums& sums, std::string_view target, Metric& mae,
                Metric& r2) {
    mae = reason.empty() ? mean_absolute_error(sums, target) : Metric::absent(reason);
    r2 = reason.empty() ? r2_score(sums, target) : Metric::absent(reason);
}

void signal(const SplitEvaluation& split, SplitMetrics& metrics) {
    const std::string& reason = dropped(split, Component::signal);
    if (!reason.empty()) {
        metrics.signal_mse = metrics.signal_correlation = metrics.signal_correlation_median =
            metrics.signal_snr_gain_db = metrics.signal_snr_gain_db_median = Metric::absent(reason);
        return;
    }
    metrics.signal_mse = split.sums.signal_count > 0
                             ? Metric::of(split.sums.signal_squared_error / split.sums.signal_count)
                             : Metric::absent("the split has no recordings");
    const Average correlation = average_measured(
        split.signal_correlation,
        "in no recording of the split do the clean and the restored signal both vary by 1 nV or more");
    metrics.signal_correlation = correlation.mean;
    metrics.signal_correlation_median = correlation.median;
    const Average gain = average_measured(split.signal_snr_gain_db,
                                          "no recording of the split has an input that differs from its "
                                          "clean signal and a restored signal that "
                                          "varies by 1 nV or more");
    metrics.signal_snr_gain_db = gain.mean;
    metrics.signal_snr_gain_db_median = gain.median;
}

}  // namespace

void for_each_metric(const SplitMetrics& metrics, std::span<const std::string> class_names,
                     const std::function<void(const std::string& name, const Metric& metric)>& visit) {
    if (class_names.size() != metrics.f1_class.size()) {
        throw std::invalid_argument("split metrics: one F1 for each class name");
    }
    visit("loss_total", metrics.loss_total);
    for (std::size_t i = 0; i < kComponents; ++i)
        visit("loss_" + std::string(kComponentNames[i]), metrics.loss[i]);
    visit("f1_macro", metrics.f1_macro);
    visit("f1_weighted", metrics.f1_weighted);
    visit("f1_micro", metrics.f1_micro);
    visit("accuracy", metrics.accuracy);
    visit("balanced_accuracy", metrics.balanced_accuracy);
    for (std::size_t c = 0; c < class_names.size(); ++c) visit("f1_" + class_names[c], metrics.f1_class[c]);
    visit("f1_macro_majority", metrics.f1_macro_majority);
    visit("patient_f1_macro", metrics.patient_f1_macro);
    visit("peak_exist_f1", metrics.peak_exist_f1);
    visit("peak_exist_auc", metrics.peak_exist_auc);
    visit("peak_latency_mae_ms", metrics.peak_latency_mae_ms);
    visit("peak_latency_r2", metrics.peak_latency_r2);
    visit("peak_amplitude_mae_uv", metrics.peak_amplitude_mae_uv);
    visit("peak_amplitude_r2", metrics.peak_amplitude_r2);
    visit("signal_mse", metrics.signal_mse);
    visit("signal_correlation", metrics.signal_correlation);
    visit("signal_correlation_median", metrics.signal_correlation_median);
    visit("signal_snr_gain_db", metrics.signal_snr_gain_db);
    visit("signal_snr_gain_db_median", metrics.signal_snr_gain_db_median);
    visit("threshold_mae_db", metrics.threshold_mae_db);
    visit("threshold_r2", metrics.threshold_r2);
}

SplitMetrics split_metrics(const SplitEvaluation& split) {
    SplitMetrics metrics;
    losses(split, metrics);
    classification(split, metrics);
    existence(split, metrics);
    regression(dropped(split, Component::peak_latency), split.sums.latency, "marked wave V latency",
               metrics.peak_latency_mae_ms, metrics.peak_latency_r2);
    regression(dropped(split, Component::peak_amplitude), split.sums.amplitude, "marked wave V amplitude",
               metrics.peak_amplitude_mae_uv, metrics.peak_amplitude_r2);
    signal(split, metrics);
    regression(dropped(split, Component::threshold), split.sums.threshold, "hearing threshold",
               metrics.threshold_mae_db, metrics.threshold_r2);
    return metrics;
}

}  // namespace abr
