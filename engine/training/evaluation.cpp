#include "engine/training/evaluation.hpp"

#include <algorithm>
#include <cmath>

#include "metrics/probability.hpp"

namespace abr {
namespace {

// Views of the columns of each component.
template <class T>
PerComponent<std::span<const T>> views(const PerComponent<std::vector<T>>& columns) {
    PerComponent<std::span<const T>> views;
    for (const Component c : kAllComponents) views[c] = columns[c];
    return views;
}

std::optional<float> labelled(const std::vector<float>& targets, std::size_t row) {
    return std::isnan(targets[row]) ? std::nullopt : std::optional(targets[row]);
}

// Empty only where there is no such head: a prediction that is not a number must show.
std::optional<float> predicted(const std::vector<float>& values, std::size_t row) {
    return values.empty() ? std::nullopt : std::optional(values[row]);
}

}  // namespace

SplitView split_of(const Dataset& dataset, Split split) {
    return {dataset.part(split), dataset.classes, dataset.patients, dataset.dropped,
            dataset.statistics.class_counts};
}

TaskLogits task_logits(const SplitView& split, const Evaluation& evaluation, Component c) {
    const bool classes = task_of(c).kind == TaskKind::classes;
    return {evaluation.answer[c], split.data.label[c],
            classes ? static_cast<Index>(split.classes.size()) : 0};
}

Temperatures fit_temperatures(const SplitView& split, const Evaluation& evaluation) {
    Temperatures temperatures = kUncalibrated;
    for (const Component c : kAllComponents)
        if (is_labelled(c) && split.dropped[c].empty())
            temperatures[c] = fit_temperature(task_logits(split, evaluation, c));
    return temperatures;
}

SplitEvaluation split_evaluation(const SplitView& split, const Evaluation& evaluation,
                                 const EvaluationSettings& settings) {
    return {.dropped = split.dropped,
            .final_weights = settings.final_weights,
            .losses = evaluation.losses,
            .sums = evaluation.sums,
            .confusion = {static_cast<Index>(split.classes.size()), evaluation.confusion},
            .majority_class = majority_class(split.class_counts),
            .answer = views(evaluation.answer),
            .label = views(split.data.label),
            .target = views(split.data.scalar),
            .temperature = settings.temperature,
            .patient = split.data.patient,
            .ear = split.data.ear,
            .signal_correlation = evaluation.signal_correlation,
            .signal_snr_gain_db = evaluation.signal_snr_gain_db};
}

SplitMetrics metrics_of(const SplitView& split, const Evaluation& evaluation,
                        const EvaluationSettings& settings) {
    return split_metrics(split_evaluation(split, evaluation, settings));
}

std::vector<PredictionRow> prediction_rows(const SplitView& split, const Evaluation& evaluation,
                                           const Temperatures& temperature) {
    const SplitData& data = split.data;
    const std::size_t classes = split.classes.size();
    std::vector<PredictionRow> rows(static_cast<std::size_t>(data.rows));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        PredictionRow& row = rows[r];
        row.recording = data.source_row[r];
        row.patient_id = split.patients[static_cast<std::size_t>(data.patient[r])];
        for (std::size_t i = 0; i < kInputsThatMayMiss.size(); ++i)
            if (data.missing[r][i]) row.missing_inputs.push_back(kInputsThatMayMiss[i]);
        for (const Component c : kAllComponents) {
            const std::vector<float>& answer = evaluation.answer[c];
            PredictionRow::Answer& cell = row.answer[c];
            if (is_scalar(c)) {
                cell.true_value = labelled(data.scalar[c], r);
                cell.predicted = predicted(answer, r);
            } else if (is_labelled(c) && data.label[c][r] >= 0) {
                cell.true_label = data.label[c][r];
            }
            if (answer.empty()) continue;
            if (task_of(c).kind == TaskKind::binary)
                cell.predicted = static_cast<float>(sigmoid(answer[r], temperature[c]));
            if (task_of(c).kind != TaskKind::classes) continue;
            const std::span logits(answer.data() + r * classes, classes);
            cell.predicted_label =
                static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
            for (const double l : log_softmax(logits, temperature[c]))
                row.probabilities.push_back(static_cast<float>(std::exp(l)));
        }
    }
    return rows;
}

std::vector<ReliabilityRow> reliability_rows(const SplitView& split, const Evaluation& evaluation,
                                             const Temperatures& fitted, std::string_view name) {
    std::vector<ReliabilityRow> rows;
    for (const Component c : kMetricOrder) {
        if (!is_labelled(c) || !split.dropped[c].empty()) continue;
        const TaskLogits task = task_logits(split, evaluation, c);
        for (const double temperature : {1.0, fitted[c]})
            for (const ReliabilityBin& bin : reliability(task, temperature))
                rows.push_back({std::string(name), c, temperature, bin});
    }
    return rows;
}

}  // namespace abr
