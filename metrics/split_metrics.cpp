#include "metrics/split_metrics.hpp"

#include <charconv>
#include <stdexcept>
#include <utility>

#include "metrics/ranking.hpp"
#include "metrics/regression.hpp"
#include "metrics/summary.hpp"
#include "metrics/votes.hpp"

namespace abr {
namespace {

const std::string& dropped(const SplitEvaluation& split, Component component) {
    return split.dropped[component];
}

void losses(const SplitEvaluation& split, SplitMetrics& metrics) {
    double total = 0;
    bool any = false;
    for (const Component c : kAllComponents) {
        const double denominator = split.losses.denominator[c];
        if (!split.dropped[c].empty() && !is_task(c)) continue;
        if (!split.dropped[c].empty()) {
            metrics.loss[c] = Metric::absent(split.dropped[c]);
        } else if (denominator == 0) {
            metrics.loss[c] = Metric::absent("no recording of the split has this target");
        } else {
            const double loss = split.losses.numerator[c] / denominator;
            metrics.loss[c] = Metric::of(loss);
            // A component that is off may be NaN or Inf without touching the total.
            if (split.final_weights[c] == 0) continue;
            total += split.final_weights[c] * loss;
            any = true;
        }
    }
    metrics.loss_total = any ? Metric::of(total) : Metric::absent("no component with a weight has a target");
}

void classification(const SplitEvaluation& split, SplitMetrics& metrics) {
    const auto classes = static_cast<std::size_t>(split.confusion.classes());
    ClassificationReport report;
    Metric patient, ear;
    const std::string& reason = dropped(split, Component::classification);
    if (reason.empty()) {
        const auto logits = split.answer[Component::classification];
        const auto label = split.label[Component::classification];
        if (logits.size() != label.size() * classes || split.patient.size() != label.size() ||
            (!split.ear.empty() && split.ear.size() != label.size())) {
            throw std::invalid_argument(
                "split metrics: logits, labels, patients and ears of different lengths");
        }
        Votes patients(split.confusion.classes()), ears(split.confusion.classes());
        for (std::size_t r = 0; r < label.size(); ++r) {
            const auto of_recording = logits.subspan(r * classes, classes);
            patients.add(split.patient[r], of_recording, label[r]);
            if (!split.ear.empty() && split.ear[r] >= 0)
                ears.add(2 * split.patient[r] + split.ear[r], of_recording, label[r]);
        }
        report = classification_report(split.confusion);
        patient = classification_report(patients.confusion()).f1_macro;
        ear = classification_report(ears.confusion()).f1_macro;
        if (!ear.value) ear = Metric::absent("no recording of the split has both an ear and a class");
        metrics.f1_macro_majority = constant_answer_f1_macro(split.confusion, split.majority_class);
    } else {
        report.f1_macro = report.f1_weighted = report.f1_micro = report.accuracy = report.balanced_accuracy =
            patient = ear = metrics.f1_macro_majority = Metric::absent(reason);
    }
    for (const ClassScores& scores : report.classes) metrics.f1_class.push_back(Metric::of(scores.f1));
    metrics.f1_class.resize(classes, Metric::absent(report.f1_macro.reason));
    metrics.f1_macro = std::move(report.f1_macro);
    metrics.f1_weighted = std::move(report.f1_weighted);
    metrics.f1_micro = std::move(report.f1_micro);
    metrics.accuracy = std::move(report.accuracy);
    metrics.balanced_accuracy = std::move(report.balanced_accuracy);
    metrics.patient_f1_macro = std::move(patient);
    if (!split.ear.empty()) metrics.ear_f1_macro = std::move(ear);
}

void calibration(const SplitEvaluation& split, Component c, CalibrationMetrics& metrics) {
    if (const std::string& reason = dropped(split, c); !reason.empty()) {
        metrics.ece = metrics.ece_uncalibrated = Metric::absent(reason);
        return;
    }
    const bool binary = task_of(c).kind == TaskKind::binary;
    const TaskLogits task{split.answer[c], split.label[c], binary ? 0 : split.confusion.classes()};
    metrics.ece = expected_calibration_error(reliability(task, split.temperature[c]));
    metrics.ece_uncalibrated = expected_calibration_error(reliability(task, 1));
}

void binary(const SplitEvaluation& split, Component c, BinaryMetrics& metrics) {
    if (const std::string& reason = dropped(split, c); !reason.empty()) {
        metrics.f1 = metrics.auc = metrics.sensitivity = Metric::absent(reason);
        return;
    }
    metrics.f1 = binary_f1(split.sums.binary[c]);
    const RocCurve curve(split.answer[c], split.label[c]);
    metrics.auc = curve.area();
    metrics.sensitivity = curve.sensitivity_at(kSpecificity);
}

// How many of the task's tolerances there are.
std::size_t tolerances(const Task& task) {
    std::size_t count = 0;
    while (count < kTolerances && task.tolerances[count] > 0) ++count;
    return count;
}

void scalar(const SplitEvaluation& split, Component c, ScalarMetrics& metrics) {
    const std::string& reason = dropped(split, c);
    const RegressionSums& sums = split.sums.scalar[c];
    const std::string_view target = task_of(c).description;
    metrics.mae = reason.empty() ? mean_absolute_error(sums, target) : Metric::absent(reason);
    metrics.r2 = reason.empty() ? r2_score(sums, target) : Metric::absent(reason);
    for (std::size_t i = 0; i < tolerances(task_of(c)); ++i)
        metrics.within[i] =
            reason.empty() ? share_within(split.answer[c], split.target[c], task_of(c).tolerances[i], target)
                           : Metric::absent(reason);
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

// In the shortest form: "0.1", "5".
std::string short_number(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

void for_each_metric(const SplitMetrics& metrics, std::span<const std::string> class_names,
                     const std::function<void(const std::string& name, const Metric& metric)>& visit) {
    if (class_names.size() != metrics.f1_class.size()) {
        throw std::invalid_argument("split metrics: one F1 for each class name");
    }
    visit("loss_total", metrics.loss_total);
    for (const Component c : kAllComponents)
        if (is_task(c) || metrics.loss[c].is_set())
            visit("loss_" + std::string(task_of(c).name), metrics.loss[c]);
    const auto visit_calibration = [&](const std::string& name, const CalibrationMetrics& calibration) {
        visit(name + "_ece", calibration.ece);
        visit(name + "_ece_uncalibrated", calibration.ece_uncalibrated);
    };
    for (const Component c : kMetricOrder) {
        const std::string name(task_of(c).name), unit(task_of(c).unit);
        switch (task_of(c).kind) {
            case TaskKind::classes:
                visit("f1_macro", metrics.f1_macro);
                visit("f1_weighted", metrics.f1_weighted);
                visit("f1_micro", metrics.f1_micro);
                visit("accuracy", metrics.accuracy);
                visit("balanced_accuracy", metrics.balanced_accuracy);
                for (std::size_t k = 0; k < class_names.size(); ++k)
                    visit("f1_" + class_names[k], metrics.f1_class[k]);
                visit("f1_macro_majority", metrics.f1_macro_majority);
                visit("patient_f1_macro", metrics.patient_f1_macro);
                if (metrics.ear_f1_macro.is_set()) visit("ear_f1_macro", metrics.ear_f1_macro);
                visit_calibration(name, metrics.calibration[c]);
                break;
            case TaskKind::binary:
                visit(name + "_f1", metrics.binary[c].f1);
                visit(name + "_auc", metrics.binary[c].auc);
                visit(name + "_sensitivity_at_specificity_" + short_number(kSpecificity),
                      metrics.binary[c].sensitivity);
                visit_calibration(name, metrics.calibration[c]);
                break;
            case TaskKind::scalar:
                visit(name + "_mae_" + unit, metrics.scalar[c].mae);
                visit(name + "_r2", metrics.scalar[c].r2);
                for (std::size_t i = 0; i < tolerances(task_of(c)); ++i)
                    visit(name + "_within_" + short_number(task_of(c).tolerances[i]) + "_" + unit,
                          metrics.scalar[c].within[i]);
                break;
            case TaskKind::none:
                break;
            case TaskKind::signal:
                visit("signal_mse", metrics.signal_mse);
                visit("signal_correlation", metrics.signal_correlation);
                visit("signal_correlation_median", metrics.signal_correlation_median);
                visit("signal_snr_gain_db", metrics.signal_snr_gain_db);
                visit("signal_snr_gain_db_median", metrics.signal_snr_gain_db_median);
                break;
        }
    }
}

SplitMetrics split_metrics(const SplitEvaluation& split) {
    SplitMetrics metrics;
    losses(split, metrics);
    classification(split, metrics);
    signal(split, metrics);
    for (const Component c : kAllComponents) {
        if (is_labelled(c)) calibration(split, c, metrics.calibration[c]);
        if (task_of(c).kind == TaskKind::binary) binary(split, c, metrics.binary[c]);
        if (task_of(c).kind == TaskKind::scalar) scalar(split, c, metrics.scalar[c]);
    }
    return metrics;
}

}  // namespace abr
