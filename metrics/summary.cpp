#include "metrics/summary.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace abr {

Average average_measured(std::span<const float> values, const std::string& reason_if_none) {
    std::vector<double> measured;
    std::ranges::copy_if(values, std::back_inserter(measured), [](float x) { return !std::isnan(x); });
    if (measured.empty()) return {Metric::absent(reason_if_none), Metric::absent(reason_if_none)};
    const auto count = static_cast<double>(measured.size());
    const double mean = std::accumulate(measured.begin(), measured.end(), 0.0) / count;
    const auto middle = measured.begin() + static_cast<std::ptrdiff_t>(measured.size() / 2);
    std::ranges::nth_element(measured, middle);
    double median = *middle;
    if (measured.size() % 2 == 0) median = (*std::max_element(measured.begin(), middle) + median) / 2;
    return {Metric::of(mean), Metric::of(median)};
}

Spread spread(std::span<const double> values) {
    if (values.empty()) throw std::invalid_argument("the spread of no values");
    const auto count = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    if (std::isnan(mean)) return {mean, mean, mean, mean};
    double squares = 0;
    for (double x : values) squares += (x - mean) * (x - mean);
    const auto [min, max] = std::ranges::minmax(values);
    return {mean, std::sqrt(squares / count), min, max};
}

}  // namespace abr
