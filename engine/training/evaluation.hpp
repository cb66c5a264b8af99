// From what the learner measured on a split to metrics and prediction rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/dataset.hpp"
#include "engine/records/tables.hpp"
#include "engine/training/evaluation_settings.hpp"
#include "metrics/split_metrics.hpp"
#include "model/learner.hpp"

namespace abr {

// A split as evaluation sees it: its recordings, and what its metrics are measured against.
struct SplitView {
    const SplitData& data;
    std::span<const std::string> classes, patients;
    const PerComponent<std::string>& dropped;    // why the network lacks a component; empty = it has it
    std::span<const std::int64_t> class_counts;  // recordings of each class among the training rows
};
SplitView split_of(const Dataset&, Split);

// What a task with logits says of the split.
TaskLogits task_logits(const SplitView&, const Evaluation&, Component);
// Fitted on the split; 1 for what has no logits.
Temperatures fit_temperatures(const SplitView&, const Evaluation&);

// The losses, sums and predictions as split_metrics takes them.
SplitEvaluation split_evaluation(const SplitView&, const Evaluation&, const EvaluationSettings&);

SplitMetrics metrics_of(const SplitView&, const Evaluation&, const EvaluationSettings&);

// One row for each recording of the split, in the order of the table, with the probabilities at these temperatures.
std::vector<PredictionRow> prediction_rows(const SplitView&, const Evaluation&, const Temperatures&);

// The reliability of every task with logits, before and after calibration; `name`: of the split.
std::vector<ReliabilityRow> reliability_rows(const SplitView&, const Evaluation&, const Temperatures&,
                                             std::string_view name);

}  // namespace abr
