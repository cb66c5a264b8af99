// From what the learner measured on a split to metrics and prediction rows.
#pragma once

#include <vector>

#include "engine/data/dataset.hpp"
#include "engine/output/tables.hpp"
#include "metrics/split_metrics.hpp"
#include "model/learner.hpp"

namespace abr {

SplitMetrics metrics_of(const Dataset&, Split, const Evaluation&, const PerComponent<double>& final_weights);

// One row for each recording of the split, in the order of the table.
std::vector<PredictionRow> prediction_rows(const Dataset&, Split, const Evaluation&);

}  // namespace abr
