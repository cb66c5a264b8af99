// From what the learner measured on a split to metrics and prediction rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/data/dataset.hpp"
#include "engine/records/tables.hpp"
#include "metrics/split_metrics.hpp"
#include "model/learner.hpp"

namespace abr {

// What was evaluated, and what its metrics are measured against. Views.
struct EvaluatedSplit {
    const SplitData& data;
    std::span<const std::string> classes, patients;
    const PerComponent<std::string>& dropped;    // why the network lacks a component; empty = it has it
    std::span<const std::int64_t> class_counts;  // recordings of each class among the training rows
};
EvaluatedSplit split_of(const Dataset&, Split);

// The losses, sums and predictions as split_metrics takes them.
SplitEvaluation split_evaluation(const EvaluatedSplit&, const Evaluation&,
                                 const PerComponent<double>& final_weights);

SplitMetrics metrics_of(const EvaluatedSplit&, const Evaluation&, const PerComponent<double>& final_weights);

// One row for each recording of the split, in the order of the table.
std::vector<PredictionRow> prediction_rows(const EvaluatedSplit&, const Evaluation&);

}  // namespace abr
