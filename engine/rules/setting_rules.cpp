// Settings that are no fault by themselves, and explain what other rules found.

#include <algorithm>

#include "engine/config/curriculum.hpp"
#include "engine/rules/advice.hpp"
#include "engine/rules/epoch_columns.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

Finding beside(const RuleCase& rule, const Finding& other) {
    Finding finding = rule.finding();
    finding.first_epoch = other.first_epoch;
    finding.last_epoch = other.last_epoch;
    return finding;
}

std::optional<Finding> learning_rate_high(const RuleCase& rule) {
    const Config& config = rule.run.config();
    const Finding* other = rule.found({"LOSS_NOT_FINITE", "GRADIENT_UNSTABLE", "LOSS_VARIANCE_HIGH"});
    const double rate = config.optimizer.learning_rate, limit = rule.setting("rate");
    if (!other || rate <= limit || config.schedule.warmup_epochs > 0) return std::nullopt;
    Finding finding = beside(rule, *other);
    finding.evidence["learning_rate"] = rate;
    finding.evidence["limit"] = limit;
    finding.evidence["together_with"] = other->rule;
    advise_rate(rule, finding, std::min(0.1, limit / rate));
    rule.advise(finding, "schedule.warmup_epochs", 1);
    return finding;
}

std::optional<Finding> batch_small(const RuleCase& rule) {
    const TrainingConfig& training = rule.run.config().training;
    const Finding* other = rule.found({"LOSS_VARIANCE_HIGH", "GRADIENT_UNSTABLE"});
    const int recordings = training.batch_size * training.accumulation;
    if (!other || recordings >= rule.setting("recordings")) return std::nullopt;
    Finding finding = beside(rule, *other);
    finding.evidence["recordings_a_step"] = recordings;
    finding.evidence["together_with"] = other->rule;
    // Twice the limit: well above it, and as many steps an epoch as that leaves.
    const auto wanted = static_cast<std::int64_t>(2 * rule.setting("recordings"));
    rule.advise(finding, "training.batch_size", (wanted + training.accumulation - 1) / training.accumulation);
    return finding;
}

const Finding* found_f1_or_domination(const RuleCase& rule) {
    return rule.found({"F1_*", "SIGNAL_DOMINATES"});
}

std::optional<Finding> classification_weight_low(const RuleCase& rule) {
    const Config& config = rule.run.config();
    const double weight = final_weights(config.loss, config.curriculum)[Component::classification];
    const Finding* other = found_f1_or_domination(rule);
    if (!other || weight >= rule.setting("weight")) return std::nullopt;
    Finding finding = beside(rule, *other);
    finding.evidence["final_weight"] = weight;
    finding.evidence["together_with"] = other->rule;
    advise_classification_weight(rule, finding, EpochColumns(rule.run), rule.setting("weight"));
    return finding;
}

std::optional<Finding> classification_starts_late(const RuleCase& rule) {
    const Config& config = rule.run.config();
    const Finding* other = found_f1_or_domination(rule);
    int start = 0;
    while (start < config.training.epochs &&
           epoch_weights(config.loss, config.curriculum, start)[Component::classification] <= 0)
        ++start;
    if (!other || start <= rule.setting("start")) return std::nullopt;
    Finding finding = beside(rule, *other);
    finding.evidence["first_epoch_with_weight"] = start;
    finding.evidence["together_with"] = other->rule;
    advise_start(rule, finding);
    return finding;
}

}  // namespace

std::vector<Rule> setting_rules() {
    return {
        {.id = "LEARNING_RATE_HIGH",
         .severity = Severity::warning,
         .settings = {{"rate", 1e-3, "rate above which a warm-up is needed"}},
         .reads = "config",
         .fires_when = "the rate is above 1e-3 without warm-up, together with `GRADIENT_UNSTABLE`, "
                       "`LOSS_NOT_FINITE` or `LOSS_VARIANCE_HIGH`",
         .meaning =
             "The first steps of AdamW are as long as the rate says, whatever the gradient: at a high rate "
             "they throw the network out of reach of what it could learn.",
         .advice = "A tenth of the rate, at most 1e-3, and an epoch of warm-up.",
         .caused_by = {},
         .judge = learning_rate_high},
        {.id = "BATCH_SMALL",
         .severity = Severity::warning,
         .settings = {{"recordings", 16, "recordings a step", true}},
         .reads = "config",
         .fires_when = "batch × accumulation is below 16, together with `LOSS_VARIANCE_HIGH` or "
                       "`GRADIENT_UNSTABLE`",
         .meaning =
             "So few recordings say little about the whole: most steps see no recording of a rare class.",
         .advice = "Twice as many recordings a step as this limit; where memory is short, accumulation gives "
                   "the same step. "
                   "An epoch then has fewer steps: train for more epochs.",
         .caused_by = {"LEARNING_RATE_HIGH"},
         .judge = batch_small},
        {.id = "CLASSIFICATION_WEIGHT_LOW",
         .severity = Severity::warning,
         .settings = {{"weight", 1.0, "final weight of the classification"}},
         .reads = "config",
         .fires_when =
             "the final weight of the classification is below 1.0, together with an `F1_…` finding or "
             "`SIGNAL_DOMINATES`",
         .meaning =
             "The class is the main task and has a side task's weight: the shared part of the network is "
             "shaped by the others.",
         .advice = "The weight that gives it a balanced share of this run's total, at least 1.",
         .caused_by = {},
         .judge = classification_weight_low},
        {.id = "CLASSIFICATION_STARTS_LATE",
         .severity = Severity::warning,
         .settings = {{"start", 2, "latest first epoch of the classification, from 0", true}},
         .reads = "config",
         .fires_when =
             "the classification's weight is 0 for more than 2 epochs, together with an `F1_…` finding or "
             "`SIGNAL_DOMINATES`",
         .meaning = "Until then the network is shaped without the class, and the rate is spent.",
         .advice = "Let the classification count from the first epoch.",
         .caused_by = {},
         .judge = classification_starts_late},
    };
}

}  // namespace abr
