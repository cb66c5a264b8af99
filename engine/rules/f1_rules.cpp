// Rules on the macro F1 of the validation split: is the class learnt at all, and in time.
#include <algorithm>
#include <cmath>

#include "engine/config/curriculum.hpp"
#include "engine/rules/advice.hpp"
#include "engine/rules/epoch_columns.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

std::optional<Finding> f1_zero(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < epochs.done(); ++row) {
        if (epochs.cell("val_f1_macro", row) == 0.0 && epochs.is_on(Component::classification, row))
            rows.push_back(row);
    }
    if (rows.empty()) return std::nullopt;
    Finding finding = rule.finding(rows.front(), rows.back());
    finding.evidence["epochs_with_f1_zero"] = rows.size();
    finding.evidence["epochs"] = epochs.done();
    finding.evidence["f1_macro_majority"] = epochs.majority_f1();
    // Lower than always answering the majority: what was learnt is wrong on this split, or steps are too long.
    advise_rate(rule, finding, 0.1);
    return finding;
}

std::optional<Finding> f1_not_above_majority(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const double best = epochs.best_f1(epochs.done()), majority = epochs.majority_f1();
    const auto full = epochs.full_weight_since(Component::classification);
    if (!full) return std::nullopt;
    const std::size_t from = std::max(rule.count("from_epochs"), *full + rule.count("after_full_weight"));
    if (epochs.done() < from || best >= majority + rule.setting("margin")) return std::nullopt;
    Finding finding = rule.finding(0, epochs.done() - 1);
    finding.evidence["best_f1_macro"] = best;
    finding.evidence["f1_macro_majority"] = majority;
    finding.evidence["epochs"] = epochs.done();
    advise_class_weights(rule, finding);
    advise_classification_weight(rule, finding, epochs);
    return finding;
}

struct Milestone {
    std::size_t epochs;
    double f1, skill;
};

// The last milestone that the run has passed.
std::optional<Milestone> milestone(const RuleCase& rule, std::size_t done) {
    std::optional<Milestone> last;
    for (const std::string number : {"1", "2", "3"}) {
        const std::size_t epochs = rule.count("epochs_" + number);
        if (done >= epochs) last = {epochs, rule.setting("f1_" + number), rule.setting("skill_" + number)};
    }
    return last;
}

// Whether the run, or its stage under way, never trains the classifier: its scores then say nothing.
bool trains_no_classifier(const RuleCase& rule) {
    if (!rule.run.has_config()) return false;
    const Config& config = rule.run.config();
    return final_weights(config.loss, config.curriculum)[Component::classification] == 0;
}

std::optional<Finding> f1_behind_timeline(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    if (trains_no_classifier(rule)) return std::nullopt;
    const double best = epochs.best_f1(epochs.done()), majority = epochs.majority_f1();
    const double skill = majority < 1 ? (best - majority) / (1 - majority) : 0;
    const auto wanted = milestone(rule, epochs.done());
    if (!wanted || (best >= wanted->f1 && skill >= wanted->skill)) return std::nullopt;
    Finding finding = rule.finding(0, epochs.done() - 1);
    finding.evidence["best_f1_macro"] = best;
    finding.evidence["expected_f1_macro"] = wanted->f1;
    finding.evidence["skill"] = skill;
    finding.evidence["expected_skill"] = wanted->skill;
    finding.evidence["f1_macro_majority"] = majority;
    finding.evidence["epochs"] = epochs.done();
    if (rule.run.has_config() &&
        rule.run.config().optimizer.learning_rate < OptimizerConfig{}.learning_rate) {
        advise_rate(rule, finding, 3);
    } else if (!epochs.full_weight_since(Component::classification)) {
        advise_start(rule, finding);
    } else {
        advise_classification_weight(rule, finding, epochs);
    }
    return finding;
}

}  // namespace

std::vector<Rule> f1_rules() {
    return {
        {.id = "F1_ZERO",
         .severity = Severity::critical,
         .settings = {},
         .reads = "epochs",
         .fires_when = "`val_f1_macro` is 0 in a validated epoch while the classification is on",
         .meaning =
             "Not one recording of any class was classified correctly; even always answering the most "
             "frequent class does better. The network answers with a class that the split does not hold, "
             "or its labels are others than those it was trained on.",
         .advice =
             "Compare the classes of train and val in data_report.json, and data.class_aliases. If they "
             "agree, the steps are too long: lower the rate.",
         .caused_by = {"LOSS_NOT_FINITE", "METRICS_INCOMPLETE", "LEARNING_RATE_HIGH",
                       "CLASSIFICATION_STARTS_LATE", "CLASSIFICATION_WEIGHT_LOW", "SIGNAL_DOMINATES",
                       "GRADIENT_UNSTABLE"},
         .judge = f1_zero},
        {.id = "F1_NOT_ABOVE_MAJORITY",
         .severity = Severity::critical,
         .settings = {{"margin", 0.02, "how far above the majority's macro F1 the best one must be"},
                      {"from_epochs", 6, "epochs done before it is judged", true},
                      {"after_full_weight", 3, "epochs after the classification's full weight", true}},
         .reads = "epochs",
         .fires_when =
             "the best macro F1 so far is below that of always answering the majority class + 0.02, "
             "from max(6, epoch of full classification weight + 3) epochs done",
         .meaning =
             "The network is no better than always answering the most frequent class: of the classes it "
             "has learnt nothing yet, however far the total loss fell.",
         .advice =
             "Let the rare classes count (class weights) and give the classification a balanced share of "
             "the total loss.",
         .caused_by = {"LOSS_NOT_FINITE", "CLASSIFICATION_STARTS_LATE", "CLASSIFICATION_WEIGHT_LOW",
                       "SIGNAL_DOMINATES", "LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE", "GRADIENT_VANISHING",
                       "LOSS_DOMINATED", "CLASS_NEVER_PREDICTED", "OVERFITTING", "F1_ZERO"},
         .judge = f1_not_above_majority},
        {.id = "F1_BEHIND_TIMELINE",
         .severity = Severity::warning,
         .settings = {{"epochs_1", 5, "epochs done at the first milestone", true},
                      {"f1_1", 0.1, "macro F1 expected there"},
                      {"skill_1", 0.0, "skill expected there"},
                      {"epochs_2", 20, "epochs done at the second milestone", true},
                      {"f1_2", 0.3, "macro F1 expected there"},
                      {"skill_2", 0.15, "skill expected there"},
                      {"epochs_3", 30, "epochs done at the third milestone", true},
                      {"f1_3", 0.5, "macro F1 expected there"},
                      {"skill_3", 0.40, "skill expected there"}},
         .reads = "epochs",
         .fires_when =
             "the best macro F1 is below 0.1 / 0.3 / 0.5 once 5 / 20 / 30 epochs are done, or its skill "
             "(F1 − b)/(1 − b) over the majority's F1 b is below 0 / 0.15 / 0.40; the last milestone "
             "passed counts",
         .meaning =
             "The run learns the classes more slowly than a sound one does; left alone it will end below "
             "what this network can reach.",
         .advice = "Raise the rate if it is low; else let the classification start at once, or weigh more.",
         .caused_by = {"LOSS_NOT_FINITE", "CLASSIFICATION_STARTS_LATE", "CLASSIFICATION_WEIGHT_LOW",
                       "SIGNAL_DOMINATES", "LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE", "GRADIENT_VANISHING",
                       "LOSS_DOMINATED", "CLASS_NEVER_PREDICTED", "F1_ZERO", "F1_NOT_ABOVE_MAJORITY",
                       "OVERFITTING"},
         .judge = f1_behind_timeline},
    };
}

}  // namespace abr
