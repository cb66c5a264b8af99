// Classification of patients, or of their ears, from all of their recordings.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "metrics/classification.hpp"

namespace abr {

// A unit is a patient or an ear. Its prediction is the class with the highest mean log-probability over its
// recordings; the true class is the most frequent label among them. Ties go to the lowest index. Units
// without a labelled recording are left out. A temperature of the logits would change nothing.
class Votes {
  public:
    explicit Votes(Index classes);
    // logits (K); label -1 = missing.
    void add(std::int32_t unit, std::span<const float> logits, std::int32_t label);
    ConfusionMatrix confusion() const;

  private:
    struct Unit {
        std::vector<double> log_probability;  // (K) summed
        std::vector<std::int64_t> labels;     // (K) recordings
    };
    Index classes_;
    std::map<std::int32_t, Unit> units_;
};

}  // namespace abr
