#include "metrics/votes.hpp"

#include <algorithm>
#include <stdexcept>

#include "metrics/probability.hpp"

namespace abr {
namespace {

// The first of the largest.
template <class T>
Index argmax(const std::vector<T>& values) {
    return std::ranges::max_element(values) - values.begin();
}

}  // namespace

Votes::Votes(Index classes) : classes_(classes) {
    if (classes < 1) throw std::invalid_argument("votes need at least one class");
}

void Votes::add(std::int32_t unit, std::span<const float> logits, std::int32_t label) {
    if (static_cast<Index>(logits.size()) != classes_ || label < -1 || label >= classes_) {
        throw std::invalid_argument("votes: logits or label do not fit the number of classes");
    }
    const std::vector<double> log_probability = log_softmax(logits);
    Unit& votes = units_[unit];
    votes.log_probability.resize(logits.size());
    votes.labels.resize(logits.size());
    for (std::size_t c = 0; c < logits.size(); ++c) votes.log_probability[c] += log_probability[c];
    if (label >= 0) ++votes.labels[static_cast<std::size_t>(label)];
}

ConfusionMatrix Votes::confusion() const {
    ConfusionMatrix confusion(classes_);
    for (const auto& [unit, votes] : units_) {
        // The sum orders the classes as the mean does: every class has as many terms.
        if (std::ranges::max(votes.labels) > 0)
            confusion.add(argmax(votes.labels), argmax(votes.log_probability));
    }
    return confusion;
}

}  // namespace abr
