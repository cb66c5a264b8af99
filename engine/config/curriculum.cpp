#include "engine/config/curriculum.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace abr {
namespace {

double factor(const CurriculumConfig& curriculum, Component component, int epoch) {
    if (!curriculum.enabled) return 1;
    const int start = start_epoch(curriculum, component);
    if (epoch < start) return 0;
    if (const auto& ramp = curriculum.ramps[component]) {
        const double x = std::min(1.0, (epoch - start + 1.0) / ramp->epochs);
        const double s = ramp->shape == RampShape::linear ? x : (1 - std::cos(std::numbers::pi * x)) / 2;
        return ramp->from + (ramp->to - ramp->from) * s;
    }
    if (component == Component::signal || epoch >= start + curriculum.ramp_epochs) return 1;
    return (epoch - start + 1.0) / curriculum.ramp_epochs;
}

// The first epoch in which a component's factor has its last value, which is also the last epoch of its ramp.
int end_of(const CurriculumConfig& curriculum, Component component) {
    if (!curriculum.enabled) return 0;
    const int start = start_epoch(curriculum, component);
    if (const auto& ramp = curriculum.ramps[component]) return start + ramp->epochs - 1;
    return component == Component::signal ? start : start + std::max(0, curriculum.ramp_epochs - 1);
}

}  // namespace

int start_epoch(const CurriculumConfig& curriculum, Component component) {
    if (const auto& own = curriculum.starts[component]) return *own;
    if (curriculum.ramps[component]) return 0;
    for (const SharedStart& start : kSharedStarts)
        if (start.governs[component]) return curriculum.*start.epoch;
    return 0;
}

PerComponent<double> epoch_weights(const LossConfig& loss, const CurriculumConfig& curriculum, int epoch) {
    PerComponent<double> weights;
    for (const Component c : kAllComponents) weights[c] = loss.weights[c] * factor(curriculum, c, epoch);
    return weights;
}

PerComponent<double> final_weights(const LossConfig& loss, const CurriculumConfig& curriculum) {
    return epoch_weights(loss, curriculum, first_final_epoch(loss, curriculum));
}

int first_final_epoch(const LossConfig& loss, const CurriculumConfig& curriculum) {
    int epoch = 0;
    for (const Component c : kAllComponents)
        if (loss.weights[c] > 0) epoch = std::max(epoch, end_of(curriculum, c));
    return epoch;
}

}  // namespace abr
