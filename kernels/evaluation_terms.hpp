// What one recording adds to an evaluation, for every backend.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/evaluation.hpp"
#include "kernels/host_device.hpp"

namespace abr {

inline constexpr double kFlatSignalSd = 1e-3;  // uV: 1 nV

// A standardised prediction in its physical unit.
template <class T>
ABR_HOST_DEVICE double physical(T prediction, const Scaling& scaling) {
    return static_cast<double>(prediction) * static_cast<double>(scaling.scale) +
           static_cast<double>(scaling.mean);
}

// The largest logit, of equal ones the lowest index.
template <class T>
ABR_HOST_DEVICE Index predicted_class(const T* logits, Index classes) {
    Index largest = 0;
    for (Index k = 1; k < classes; ++k)
        if (logits[largest] < logits[k]) largest = k;
    return largest;
}

struct SignalMetrics {
    double squared_error;  // uV^2
    double correlation, snr_gain_db;
};

// From sums over the `count` z-scored samples of a recording with `sd` in uV: squares of input - clean (noise) and
// restored - clean (error), and of the deviations of clean and restored from their means, and their products.
ABR_HOST_DEVICE inline SignalMetrics signal_metrics(double count, double sd, double noise, double error,
                                                    double clean_squares, double restored_squares,
                                                    double products) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double smaller = restored_squares < clean_squares ? restored_squares : clean_squares;
    const bool flat = sd * std::sqrt(smaller / count) < kFlatSignalSd;
    // Rounding may carry a perfect correlation past 1.
    const double correlation = products / (std::sqrt(clean_squares) * std::sqrt(restored_squares));
    const double inside = correlation > 1 ? 1 : correlation < -1 ? -1 : correlation;
    const double gain = noise > 0 && error > 0 ? 10 * std::log10(noise / error) : nan;
    return {error * sd * sd, flat ? nan : inside, flat ? nan : gain};
}

ABR_HOST_DEVICE inline void add(RegressionSums& sums, double prediction, double target) {
    const double error = prediction - target;
    sums.count += 1;
    sums.absolute_error += std::abs(error);
    sums.squared_error += error * error;
    const double deviation = target - sums.target_mean;
    sums.target_mean += deviation / sums.count;
    sums.target_squared_deviation += deviation * (target - sums.target_mean);
}

// The count that a decision belongs to.
ABR_HOST_DEVICE inline std::int64_t& count_of(BinarySums& sums, bool predicted, bool actual) {
    if (predicted) return actual ? sums.true_positive : sums.false_positive;
    return actual ? sums.false_negative : sums.true_negative;
}

}  // namespace abr
