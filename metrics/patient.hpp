// Classification of patients from all of their recordings.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "metrics/classification.hpp"

namespace abr {

// log(softmax(logits)), (K) each. Throws std::domain_error on a logit that is not finite.
std::vector<double> log_softmax(std::span<const float> logits);

// A patient's prediction is the class with the highest mean log-probability over the patient's recordings;
// the true class is the most frequent label among them. Ties go to the lowest index. Patients without a
// labelled recording are left out.
class PatientVotes {
  public:
    explicit PatientVotes(Index classes);
    // logits (K); label -1 = missing.
    void add(std::int32_t patient, std::span<const float> logits, std::int32_t label);
    ConfusionMatrix confusion() const;

  private:
    struct Votes {
        std::vector<double> log_probability;  // (K) summed
        std::vector<std::int64_t> labels;     // (K) recordings
    };
    Index classes_;
    std::map<std::int32_t, Votes> patients_;
};

}  // namespace abr
