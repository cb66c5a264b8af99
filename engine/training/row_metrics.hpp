// Metrics of some of a split's recordings.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/training/evaluation.hpp"

namespace abr {

class RowMetrics {
  public:
    // The evaluation holds the restored signals where the network restores.
    RowMetrics(const SplitView&, const Evaluation&, const EvaluationSettings&);

    // Of these rows, which may repeat; patient: of each of them. Losses are absent: they are no property of
    // recordings alone.
    SplitMetrics measure(std::span<const std::size_t> rows, std::span<const std::int32_t> patient) const;

  private:
    SplitView split_;
    const Evaluation& evaluation_;
    SplitEvaluation whole_;
    std::vector<double> signal_squared_error_;  // (rows) uV^2, summed over samples
};

// One row for each stimulus level and true class that the split has, all levels and all classes (in which those
// without one are, too) first; `name`: of the split.
std::vector<LevelRow> metrics_by_level(const SplitView&, const Evaluation&, const EvaluationSettings&,
                                       const std::string& name);

}  // namespace abr
