#include "metrics/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "metrics/probability.hpp"

namespace abr {
namespace {

// visit(logits, label) for every labelled recording.
template <class Visit>
void for_each_labelled(const TaskLogits& task, const Visit& visit) {
    const auto width = static_cast<std::size_t>(std::max<Index>(task.classes, 1));
    if (task.logits.size() != task.label.size() * width)
        throw std::invalid_argument("calibration: logits and labels of different lengths");
    for (std::size_t r = 0; r < task.label.size(); ++r) {
        if (task.label[r] < 0) continue;
        const auto logits = task.logits.subspan(r * width, width);
        if (!std::ranges::all_of(logits, [](float x) { return std::isfinite(x); }))
            throw std::domain_error("calibration: a logit is not finite");
        visit(logits, static_cast<std::size_t>(task.label[r]));
    }
}

// The softmax's largest value.
double confidence(std::span<const float> logits, double largest, double temperature) {
    double sum = 0;
    for (const float logit : logits) sum += std::exp((double{logit} - largest) / temperature);
    return 1 / sum;
}

// The derivative of the negative log-likelihood by the inverse of the temperature: the expected logit under the
// stated probabilities less that of the label.
double likelihood_slope(const TaskLogits& task, double inverse) {
    double slope = 0;
    for_each_labelled(task, [&](std::span<const float> logits, std::size_t label) {
        if (task.classes == 0) {
            slope += (sigmoid(logits[0], 1 / inverse) - static_cast<double>(label)) * double{logits[0]};
            return;
        }
        const double largest = std::ranges::max(logits);
        double weights = 0, moment = 0;
        for (const float logit : logits) {
            const double weight = std::exp(inverse * (double{logit} - largest));
            weights += weight;
            moment += weight * double{logit};
        }
        slope += moment / weights - double{logits[label]};
    });
    return slope;
}

}  // namespace

Reliability reliability(const TaskLogits& task, double temperature) {
    Reliability bins;
    const auto count = static_cast<double>(bins.size());
    for (std::size_t b = 0; b < bins.size(); ++b) {
        bins[b].low = static_cast<double>(b) / count;
        bins[b].high = static_cast<double>(b + 1) / count;
    }
    for_each_labelled(task, [&](std::span<const float> logits, std::size_t label) {
        const auto largest = std::ranges::max_element(logits);  // the first of equals, as the predicted class
        const bool binary = task.classes == 0;
        const double probability =
            binary ? sigmoid(logits[0], temperature) : confidence(logits, *largest, temperature);
        const bool came_true =
            binary ? label == 1 : label == static_cast<std::size_t>(largest - logits.begin());
        const double place = std::clamp(std::ceil(probability * count) - 1, 0.0, count - 1);
        ReliabilityBin& bin = bins[static_cast<std::size_t>(place)];
        ++bin.recordings;
        bin.mean_probability += probability;
        bin.share_true += came_true ? 1 : 0;
    });
    for (ReliabilityBin& bin : bins) {
        if (bin.recordings == 0) continue;
        bin.mean_probability /= static_cast<double>(bin.recordings);
        bin.share_true /= static_cast<double>(bin.recordings);
    }
    return bins;
}

Metric expected_calibration_error(const Reliability& bins) {
    double recordings = 0, error = 0;
    for (const ReliabilityBin& bin : bins) {
        recordings += static_cast<double>(bin.recordings);
        error += static_cast<double>(bin.recordings) * std::abs(bin.share_true - bin.mean_probability);
    }
    if (recordings == 0) return Metric::absent("calibration: no recording of the split is labelled");
    return Metric::of(error / recordings);
}

double fit_temperature(const TaskLogits& task) {
    if (likelihood_slope(task, 1) == 0) return 1;
    // The slope by the inverse rises with the inverse, so that its sign says on which side the minimum lies.
    double low = std::log(kLowestTemperature), high = std::log(kHighestTemperature);
    constexpr int kHalvings = 40;  // log T to 1e-11
    for (int i = 0; i < kHalvings; ++i) {
        const double middle = (low + high) / 2;
        (likelihood_slope(task, std::exp(-middle)) > 0 ? low : high) = middle;
    }
    return std::exp((low + high) / 2);
}

}  // namespace abr
