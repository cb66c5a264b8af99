// What a model without the signal, or without anything, reaches: the figures that metrics are shown beside.
#pragma once

#include "engine/data/dataset.hpp"
#include "metrics/metric.hpp"

namespace abr {

struct SplitBaselines {
    Metric f1_macro_majority;  // always the most frequent class of the training rows
    Metric latency_mae_ms;    // least squares on the seven stored static inputs and a constant, fitted on the
    Metric threshold_mae_db;  // training rows that have the target
};

struct Baselines {
    SplitBaselines val, test;
};

// A baseline without a label to fit or to measure on is absent, with the reason.
Baselines compute_baselines(const Dataset&);

}  // namespace abr
