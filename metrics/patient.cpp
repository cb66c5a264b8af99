#include "metrics/patient.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace abr {
namespace {

// The first of the largest.
template <class T>
Index argmax(const std::vector<T>& values) {
    return std::ranges::max_element(values) - values.begin();
}

}  // namespace

std::vector<double> log_softmax(std::span<const float> logits) {
    if (!std::ranges::all_of(logits, [](float x) { return std::isfinite(x); })) {
        throw std::domain_error("a class logit is not finite");
    }
    std::vector<double> result(logits.begin(), logits.end());
    if (result.empty()) return result;
    const double largest = std::ranges::max(result);
    double sum = 0;
    for (double x : result) sum += std::exp(x - largest);
    const double log_sum = largest + std::log(sum);
    for (double& x : result) x -= log_sum;
    return result;
}

PatientVotes::PatientVotes(Index classes) : classes_(classes) {
    if (classes < 1) throw std::invalid_argument("votes need at least one class");
}

void PatientVotes::add(std::int32_t patient, std::span<const float> logits, std::int32_t label) {
    if (static_cast<Index>(logits.size()) != classes_ || label < -1 || label >= classes_) {
        throw std::invalid_argument("patient votes: logits or label do not fit the number of classes");
    }
    const std::vector<double> log_probability = log_softmax(logits);
    Votes& votes = patients_[patient];
    votes.log_probability.resize(logits.size());
    votes.labels.resize(logits.size());
    for (std::size_t c = 0; c < logits.size(); ++c) votes.log_probability[c] += log_probability[c];
    if (label >= 0) ++votes.labels[static_cast<std::size_t>(label)];
}

ConfusionMatrix PatientVotes::confusion() const {
    ConfusionMatrix confusion(classes_);
    for (const auto& [patient, votes] : patients_) {
        // The sum orders the classes as the mean does: every class has as many terms.
        if (std::ranges::max(votes.labels) > 0)
            confusion.add(argmax(votes.labels), argmax(votes.log_probability));
    }
    return confusion;
}

}  // namespace abr
