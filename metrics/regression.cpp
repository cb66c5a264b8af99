#include "metrics/regression.hpp"

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace abr {
namespace {

Metric no_target(std::string_view target) {
    return Metric::absent("no recording of the split has a " + std::string(target));
}

}  // namespace

Metric mean_absolute_error(const RegressionSums& sums, std::string_view target) {
    if (sums.count == 0) return no_target(target);
    return Metric::of(sums.absolute_error / sums.count);
}

Metric r2_score(const RegressionSums& sums, std::string_view target) {
    if (sums.count == 0) return no_target(target);
    if (sums.target_squared_deviation == 0) {
        return Metric::absent("R2 needs targets that differ: every " + std::string(target) +
                              " of the split is equal");
    }
    return Metric::of(1 - sums.squared_error / sums.target_squared_deviation);
}

Metric share_within(std::span<const float> predicted, std::span<const float> target, double tolerance,
                    std::string_view name) {
    if (predicted.size() != target.size())
        throw std::invalid_argument("share within a tolerance: one prediction for each target");
    std::int64_t labelled = 0, within = 0;
    for (std::size_t r = 0; r < target.size(); ++r) {
        if (std::isnan(target[r])) continue;
        ++labelled;
        if (std::abs(double{predicted[r]} - double{target[r]}) <= tolerance) ++within;
    }
    if (labelled == 0) return no_target(name);
    return Metric::of(static_cast<double>(within) / static_cast<double>(labelled));
}

}  // namespace abr
