#include "metrics/regression.hpp"

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

}  // namespace abr
