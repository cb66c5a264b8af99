#include "metrics/probability.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace abr {

std::vector<double> log_softmax(std::span<const float> logits, double temperature) {
    if (!std::ranges::all_of(logits, [](float x) { return std::isfinite(x); })) {
        throw std::domain_error("a class logit is not finite");
    }
    std::vector<double> result(logits.begin(), logits.end());
    if (result.empty()) return result;
    for (double& x : result) x /= temperature;
    const double largest = std::ranges::max(result);
    double sum = 0;
    for (double x : result) sum += std::exp(x - largest);
    const double log_sum = largest + std::log(sum);
    for (double& x : result) x -= log_sum;
    return result;
}

double sigmoid(float logit, double temperature) {
    return 1 / (1 + std::exp(-double{logit} / temperature));
}

}  // namespace abr
