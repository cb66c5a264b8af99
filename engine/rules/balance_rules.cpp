// Rules on what share of the total loss each component has.
#include <algorithm>
#include <cmath>

#include "engine/rules/advice.hpp"
#include "engine/rules/epoch_columns.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

std::optional<Finding> loss_dominated(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const Rows rows = epochs.last(rule.count("epochs"));
    const auto on = components_on(epochs, rows.last());
    if (on.size() < rule.count("components") || !epochs.is_steady(rows)) return std::nullopt;
    for (const Component component : on) {
        const auto shares = epochs.values(column_of("train_share_", component), rows);
        if (!std::ranges::all_of(shares, [&](double share) { return share > rule.setting("share"); }))
            continue;
        Finding finding = rule.finding(rows.first, rows.last());
        // The main task may have half of the total, any other one its even part.
        const double balanced =
            component == Component::classification ? 0.5 : 1.0 / static_cast<double>(on.size());
        finding.evidence["component"] = kComponentNames[static_cast<std::size_t>(component)];
        finding.evidence["share"] = mean(shares);
        finding.evidence["balanced_share"] = balanced;
        finding.evidence["weight"] = epochs.weight(component, rows.last());
        if (const double share = mean(shares); share < 1)
            advise_weight(rule, finding, epochs, component, factor_to_share(share, balanced));
        return finding;
    }
    return std::nullopt;
}

std::optional<Finding> signal_dominates(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const Rows rows = epochs.last(rule.count("epochs"));
    if (!epochs.is_steady(rows) || !epochs.is_on(Component::signal, rows.last()) ||
        !epochs.is_on(Component::classification, rows.last()))
        return std::nullopt;
    const auto signal = epochs.values("train_share_signal", rows);
    const auto classification = epochs.values("train_share_classification", rows);
    for (std::size_t i = 0; i < rows.count(); ++i) {
        if (!(signal[i] > rule.setting("ratio") * classification[i])) return std::nullopt;
    }
    Finding finding = rule.finding(rows.first, rows.last());
    finding.evidence["share_signal"] = mean(signal);
    finding.evidence["share_classification"] = mean(classification);
    finding.evidence["weight_signal"] = epochs.weight(Component::signal, rows.last());
    finding.evidence["weight_classification"] = epochs.weight(Component::classification, rows.last());
    if (mean(classification) > 0)
        advise_weight(rule, finding, epochs, Component::signal, mean(classification) / mean(signal));
    return finding;
}

std::optional<Finding> classification_slower_than_signal(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const Rows window = epochs.last(rule.count("window"));
    if (!epochs.is_steady(window) || !epochs.is_on(Component::signal, window.last()) ||
        !epochs.is_on(Component::classification, window.last()))
        return std::nullopt;
    const double signal = relative_slope(epochs.values("train_loss_signal", window));
    const double classification = relative_slope(epochs.values("train_loss_classification", window));
    const double fall = -rule.setting("fall");
    if (!(signal < fall && classification < fall && signal < classification)) return std::nullopt;
    Finding finding = rule.finding(window.first, window.last());
    finding.evidence["signal_relative_slope"] = signal;
    finding.evidence["classification_relative_slope"] = classification;
    advise_weight(rule, finding, epochs, Component::classification, std::min(3.0, signal / classification));
    return finding;
}

}  // namespace

std::vector<Rule> balance_rules() {
    return {
        {.id = "SIGNAL_DOMINATES",
         .severity = Severity::warning,
         .settings = {{"ratio", 10, "share of the signal over that of the classification"},
                      {"epochs", 3, "steady epochs in which it holds", true}},
         .reads = "epochs",
         .fires_when =
             "the signal's share of the total is above 10 × the classification's in the last 3 steady "
             "epochs, both at full weight",
         .meaning =
             "The steps serve the restored signal; the shared part of the network learns little for the "
             "class. The total loss falls and the F1 does not rise.",
         .advice = "Weigh the signal so that its share is the classification's.",
         .caused_by = {"CLASSIFICATION_WEIGHT_LOW", "GRADIENT_UNSTABLE"},
         .judge = signal_dominates},
        {.id = "LOSS_DOMINATED",
         .severity = Severity::warning,
         .settings = {{"share", 0.7, "largest share of one component"},
                      {"components", 3, "components that must be on", true},
                      {"epochs", 3, "steady epochs in which it holds", true}},
         .reads = "epochs",
         .fires_when =
             "at least 3 components are on and one has a share above 0.7 of the total in the last 3 "
             "steady epochs",
         .meaning =
             "One component makes up most of the total: the gradient is its gradient, and the other tasks "
             "are hardly trained.",
         .advice = "Lower its weight to a balanced share by this run's numbers: 1 / components, and half of "
                   "the total for the classification.",
         .caused_by = {"SIGNAL_DOMINATES", "CLASSIFICATION_WEIGHT_LOW", "GRADIENT_UNSTABLE"},
         .judge = loss_dominated},
        {.id = "CLASSIFICATION_SLOWER_THAN_SIGNAL",
         .severity = Severity::info,
         .settings = {{"window", 5, "epochs looked at", true},
                      {"fall", 0.01, "relative fall an epoch that both losses exceed"}},
         .reads = "epochs",
         .fires_when =
             "steady, both training losses fall by more than 1 % an epoch over the window of 5 epochs, "
             "the signal's relatively faster",
         .meaning = "Usual early in a run: restoring the signal is the easier task. Where it lasts, the "
                    "classification could use more weight.",
         .advice =
             "Nothing, as long as the F1 rises; else weigh the classification by the ratio of the slopes.",
         .caused_by = {"SIGNAL_DOMINATES", "CLASSIFICATION_WEIGHT_LOW", "LOSS_DOMINATED"},
         .judge = classification_slower_than_signal},
    };
}

}  // namespace abr
