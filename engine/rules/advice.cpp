#include "engine/rules/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace abr {
namespace {

constexpr double kLargestWeightFactor = 20;
constexpr double kRarestToCommonest = 10;

// Training recordings of the most and the least frequent class that has any.
double class_imbalance(const RecordedRun& run) {
    double most = 0, fewest = std::numeric_limits<double>::infinity();
    for (const auto& [name, counts] : run.data_report.object("classes").items()) {
        const double recordings = counts.at("train").at("recordings").get<double>();
        if (recordings <= 0) continue;
        most = std::max(most, recordings);
        fewest = std::min(fewest, recordings);
    }
    return most > 0 ? most / fewest : 1;
}

// The power of the balanced weights at which the rarest class weighs ten times the most frequent one.
double balancing_power(const RecordedRun& run) {
    double imbalance = 100;  // of a usual clinic, where the report does not say it
    try {
        imbalance = class_imbalance(run);
    } catch (const std::exception&) {
        // An advice is better than none: the report is missing or another one's.
    }
    if (imbalance <= kRarestToCommonest) return 1;
    return std::round(20 * std::log(kRarestToCommonest) / std::log(imbalance)) / 20;
}

}  // namespace

std::vector<Component> components_on(const EpochColumns& epochs, std::size_t row) {
    std::vector<Component> on;
    for (const Component c : kAllComponents) {
        if (epochs.is_on(c, row)) on.push_back(c);
    }
    return on;
}

double mean_share(const EpochColumns& epochs, Component component, Rows rows) {
    return mean(epochs.values(column_of("train_share_", component), rows));
}

double factor_to_share(double share, double target) {
    return target * (1 - share) / ((1 - target) * share);
}

void advise_weight(const RuleCase& rule, Finding& finding, const EpochColumns& epochs, Component component,
                   double factor) {
    const auto index = static_cast<std::size_t>(component);
    // The weight that is written, not the one of a row: a ramp may end elsewhere than at 1.
    const double weight = rule.run.has_config() ? rule.run.config().loss.weights[index]
                                                : epochs.weight(component, epochs.done() - 1);
    rule.advise(finding, fmt::format("loss.weights.{}", kComponentNames[index]), rounded(weight * factor));
}

void advise_classification_weight(const RuleCase& rule, Finding& finding, const EpochColumns& epochs,
                                  double lowest) {
    const std::size_t row = epochs.done() - 1;
    const double weight = epochs.weight(Component::classification, row);
    const double share = mean_share(epochs, Component::classification, {row, row + 1});
    if (weight <= 0 || share <= 0) {
        if (lowest > 0) rule.advise(finding, "loss.weights.classification", lowest);
        return;
    }
    const double target =
        1.0 / static_cast<double>(std::max<std::size_t>(2, components_on(epochs, row).size()));
    const double factor = std::clamp(factor_to_share(share, target), 1.0, kLargestWeightFactor);
    advise_weight(rule, finding, epochs, Component::classification, std::max(factor, lowest / weight));
}

void advise_start(const RuleCase& rule, Finding& finding) {
    const bool has_own =
        rule.run.has_config() && rule.run.config().curriculum.starts[Component::classification];
    rule.advise(finding, has_own ? "curriculum.classification.start" : "curriculum.class_start", 0);
}

void advise_rate(const RuleCase& rule, Finding& finding, double factor) {
    if (!rule.run.has_config()) return;
    const double rate = rule.run.config().optimizer.learning_rate;
    const double highest = std::max(rate, OptimizerConfig{}.learning_rate);
    rule.advise(finding, "optimizer.learning_rate", rounded(std::min(highest, rate * factor)));
}

void advise_class_weights(const RuleCase& rule, Finding& finding) {
    if (!rule.run.has_config()) return;
    const LossConfig& loss = rule.run.config().loss;
    if (loss.class_weighting == ClassWeighting::balanced && loss.class_weight_power >= 1) {
        rule.advise(finding, "training.sampler", "balanced");
        return;
    }
    const double power = balancing_power(rule.run);
    const bool in_use = loss.class_weighting == ClassWeighting::balanced && loss.class_weight_power >= power;
    rule.advise(finding, "loss.class_weights", "balanced");
    rule.advise(finding, "loss.class_weight_power", in_use ? 1.0 : power);
}

}  // namespace abr
