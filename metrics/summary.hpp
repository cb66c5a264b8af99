// Summaries of a list of values.
#pragma once

#include <span>
#include <string>

#include "metrics/metric.hpp"

namespace abr {

struct Average {
    Metric mean, median;
};
// Over the values that are not NaN (NaN = not measured). The median of an even number is the mean of the
// middle two. Both absent, with `reason_if_none`, where there is no value.
Average average_measured(std::span<const float> values, const std::string& reason_if_none);

// Population standard deviation (divisor n), as in numpy; NaN among the values makes all four NaN.
struct Spread {
    double mean = 0, std = 0, min = 0, max = 0;
};
// Throws std::invalid_argument where there are no values.
Spread spread(std::span<const double> values);

}  // namespace abr
