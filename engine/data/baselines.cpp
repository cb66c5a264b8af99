#include "engine/data/baselines.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>

#include "metrics/classification.hpp"

namespace abr {
namespace {

Metric majority_f1(const SplitData& split, const FittedStatistics& statistics) {
    const auto classes = static_cast<Index>(statistics.class_counts.size());
    const Index majority = majority_class(statistics.class_counts);
    ConfusionMatrix confusion(classes);
    for (const std::int32_t label : split.label[Component::classification])
        if (label >= 0) confusion.add(label, majority);
    return constant_answer_f1_macro(confusion, majority);
}

// The rows of a split that have the target: static inputs with a constant behind them, and the target.
struct System {
    Eigen::MatrixXd inputs;
    Eigen::VectorXd target;
};

System labelled_system(const SplitData& split, Component target) {
    const std::vector<float>& values = split.scalar[target];
    const auto count = static_cast<Eigen::Index>(
        std::count_if(values.begin(), values.end(), [](float v) { return !std::isnan(v); }));
    System system{Eigen::MatrixXd(count, kStoredStatics + 1), Eigen::VectorXd(count)};
    Eigen::Index row = 0;
    for (std::size_t r = 0; r < values.size(); ++r) {
        if (std::isnan(values[r])) continue;
        for (int i = 0; i < kStoredStatics; ++i)
            system.inputs(row, i) = double{split.statics[r * kStoredStatics + static_cast<std::size_t>(i)]};
        system.inputs(row, kStoredStatics) = 1;
        system.target(row++) = double{values[r]};
    }
    return system;
}

// Mean absolute errors on validation and test. Constant and dependent inputs make the system rank-deficient:
// the complete orthogonal decomposition then gives the solution of least norm.
std::array<Metric, 2> least_squares_mae(const Dataset& data, Component target) {
    const System train = labelled_system(data.part(Split::train), target);
    if (train.target.size() == 0) {
        const Metric absent = Metric::absent("no training row has the target");
        return {absent, absent};
    }
    const Eigen::VectorXd coefficients = train.inputs.completeOrthogonalDecomposition().solve(train.target);
    const auto error = [&](Split s) {
        const System system = labelled_system(data.part(s), target);
        if (system.target.size() == 0) return Metric::absent("no row of the split has the target");
        return Metric::of((system.inputs * coefficients - system.target).cwiseAbs().mean());
    };
    return {error(Split::val), error(Split::test)};
}

}  // namespace

Baselines compute_baselines(const Dataset& data) {
    Baselines baselines;
    baselines.val.f1_macro_majority = majority_f1(data.part(Split::val), data.statistics);
    baselines.test.f1_macro_majority = majority_f1(data.part(Split::test), data.statistics);
    const auto latency = least_squares_mae(data, Component::peak_latency);
    baselines.val.latency_mae_ms = latency[0];
    baselines.test.latency_mae_ms = latency[1];
    const auto threshold = least_squares_mae(data, Component::threshold);
    baselines.val.threshold_mae_db = threshold[0];
    baselines.test.threshold_mae_db = threshold[1];
    return baselines;
}

}  // namespace abr
