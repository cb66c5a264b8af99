// From logits to the probabilities that a task states.
#pragma once

#include <span>
#include <vector>

namespace abr {

// log(softmax(logits / temperature)), (K) each. Throws std::domain_error on a logit that is not finite.
std::vector<double> log_softmax(std::span<const float> logits, double temperature = 1);

// 1 / (1 + exp(-logit / temperature)): of yes.
double sigmoid(float logit, double temperature = 1);

}  // namespace abr
