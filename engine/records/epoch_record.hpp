// One row of epochs.csv.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/output/csv.hpp"
#include "kernels/components.hpp"
#include "kernels/optimizer.hpp"
#include "metrics/split_metrics.hpp"
#include "metrics/summary.hpp"

namespace abr {

// A component's unweighted loss over the optimiser steps of an epoch.
struct TrainLoss {
    Spread loss;
    std::optional<double> share;  // weight * mean / total; empty where the total is 0
};

struct TrainSummary {
    double loss_total = 0;                        // sum of weight * mean over the components that are on
    PerComponent<std::optional<TrainLoss>> loss;  // empty: the component was dropped
    Spread grad_norm;                             // before clipping
    double learning_rate = 0;                     // of the last step
};
// Plain statistics over the steps. Throws std::invalid_argument where there are none.
TrainSummary summarise_steps(std::span<const StepRecord> steps, const PerComponent<double>& weights,
                             const PerComponent<bool>& present);

struct EpochRecord {
    std::int64_t epoch = 0;
    double seconds = 0;
    double recordings_per_second = 0;
    PerComponent<double> weight;  // effective in this epoch, 0 for a dropped component
    TrainSummary train;
    std::optional<SplitMetrics> val;  // empty: the epoch ended before validation
    std::string stage;                // its name; empty where no stages are written
};

// Whether tables have columns of the component: a task always, a further loss where it is on.
inline bool has_columns(Component c, const PerComponent<bool>& present) {
    return is_task(c) || present[c];
}

// What a run's tables have columns of, beside what they always have.
struct RunColumns {
    PerComponent<bool> present = {};  // components that are not dropped
    bool ears = false;                // some recording says its ear
    bool stages = false;              // epochs have the name of a stage, in the last column
};
// The columns in the contract's order.
std::vector<std::string> epoch_columns(std::span<const std::string> class_names,
                                       const RunColumns& columns = {});
// Throws std::logic_error where a validation metric has neither a value nor a reason.
CsvRow epoch_row(const EpochRecord&, std::span<const std::string> class_names,
                 const RunColumns& columns = {});

// {column: reason} of every metric without a value; column = prefix + name, e.g. prefix "val_".
std::map<std::string, std::string> absent_metrics(const SplitMetrics&,
                                                  std::span<const std::string> class_names,
                                                  const std::string& prefix);

}  // namespace abr
