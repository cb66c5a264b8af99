#include "engine/training/evaluation.hpp"

#include <algorithm>
#include <cmath>

#include "metrics/patient.hpp"

namespace abr {
namespace {

std::optional<float> labelled(const std::vector<float>& targets, std::size_t row) {
    return std::isnan(targets[row]) ? std::nullopt : std::optional(targets[row]);
}

// Empty only where there is no such head: a prediction that is not a number must show.
std::optional<float> predicted(const std::vector<float>& values, std::size_t row) {
    return values.empty() ? std::nullopt : std::optional(values[row]);
}

}  // namespace

EvaluatedSplit split_of(const Dataset& dataset, Split split) {
    return {dataset.part(split), dataset.classes, dataset.patients, dataset.dropped,
            dataset.statistics.class_counts};
}

SplitEvaluation split_evaluation(const EvaluatedSplit& split, const Evaluation& evaluation,
                                 const PerComponent<double>& final_weights) {
    return {.dropped = split.dropped,
            .final_weights = final_weights,
            .losses = evaluation.losses,
            .sums = evaluation.sums,
            .confusion = {static_cast<Index>(split.classes.size()), evaluation.confusion},
            .majority_class = majority_class(split.class_counts),
            .logits = evaluation.logits,
            .label = split.data.label,
            .patient = split.data.patient,
            .exist_logit = evaluation.exist_logit,
            .exist = split.data.exist,
            .signal_correlation = evaluation.signal_correlation,
            .signal_snr_gain_db = evaluation.signal_snr_gain_db};
}

SplitMetrics metrics_of(const EvaluatedSplit& split, const Evaluation& evaluation,
                        const PerComponent<double>& final_weights) {
    return split_metrics(split_evaluation(split, evaluation, final_weights));
}

std::vector<PredictionRow> prediction_rows(const EvaluatedSplit& split, const Evaluation& evaluation) {
    const SplitData& data = split.data;
    const std::size_t classes = split.classes.size();
    std::vector<PredictionRow> rows(static_cast<std::size_t>(data.rows));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        PredictionRow& row = rows[r];
        row.recording = data.source_row[r];
        row.patient_id = split.patients[static_cast<std::size_t>(data.patient[r])];
        if (data.label[r] >= 0) row.class_true = data.label[r];
        if (!evaluation.logits.empty()) {
            const std::span logits(evaluation.logits.data() + r * classes, classes);
            row.class_predicted =
                static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
            for (const double l : log_softmax(logits))
                row.probabilities.push_back(static_cast<float>(std::exp(l)));
        }
        if (data.exist[r] >= 0) row.wave_v_true = data.exist[r] == 1;
        if (!evaluation.exist_logit.empty())
            row.p_wave_v = static_cast<float>(1 / (1 + std::exp(-double{evaluation.exist_logit[r]})));
        row.latency_true_ms = labelled(data.latency_ms, r);
        row.latency_predicted_ms = predicted(evaluation.latency_ms, r);
        row.amplitude_true_uv = labelled(data.amplitude_uv, r);
        row.amplitude_predicted_uv = predicted(evaluation.amplitude_uv, r);
        row.threshold_true_db = labelled(data.threshold_db, r);
        row.threshold_predicted_db = predicted(evaluation.threshold_db, r);
    }
    return rows;
}

}  // namespace abr
