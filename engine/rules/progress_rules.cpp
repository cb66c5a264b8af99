// Rules on how losses move over the window: not at all, or apart.
#include <algorithm>
#include <cmath>

#include "engine/rules/advice.hpp"
#include "engine/rules/epoch_columns.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

// Training could still move: the rate is far above the lowest of the schedule.
bool rate_is_up(const RuleCase& rule, const EpochColumns& epochs, Rows window, Finding* finding = nullptr) {
    const double rate = std::ranges::max(epochs.values("learning_rate", window));
    if (finding) finding->evidence["learning_rate"] = rate;
    return rate > rule.setting("rate_factor") * rule.run.config().schedule.min_lr;
}

// A third of the rate, as a step of the schedule between the two usual ones would be.
constexpr double kRateStep = 1.0 / 3;

std::optional<Finding> classification_stalled(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const Rows window = epochs.last(rule.count("window"));
    if (!epochs.is_on(Component::classification, window.last()) || !epochs.is_steady(window))
        return std::nullopt;
    const double trend = slope(epochs.values("train_loss_classification", window));
    const double gain = epochs.f1_gain(window);
    if (trend < rule.setting("slope") || gain >= rule.setting("f1_gain") || !rate_is_up(rule, epochs, window))
        return std::nullopt;
    Finding finding = rule.finding(window.first, window.last());
    finding.evidence["slope"] = trend;
    finding.evidence["f1_gain"] = gain;
    rate_is_up(rule, epochs, window, &finding);
    const double share = mean_share(epochs, Component::classification, window);
    finding.evidence["share"] = share;
    const bool small = share * static_cast<double>(components_on(epochs, window.last()).size()) < 1;
    small ? advise_classification_weight(rule, finding, epochs) : advise_rate(rule, finding, kRateStep);
    return finding;
}

std::optional<Finding> plateau(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const Rows window = epochs.last(rule.count("window"));
    if (!epochs.is_steady(window)) return std::nullopt;
    const auto loss = epochs.values("train_loss_total", window);
    const double change =
        loss.front() == 0 ? 0 : std::abs(loss.back() - loss.front()) / std::abs(loss.front());
    const double gain = epochs.f1_gain(window);
    if (!(change < rule.setting("change")) || gain >= rule.setting("f1_gain") ||
        !rate_is_up(rule, epochs, window))
        return std::nullopt;
    Finding finding = rule.finding(window.first, window.last());
    finding.evidence["change"] = change;
    finding.evidence["f1_gain"] = gain;
    finding.evidence["best_f1_macro"] = epochs.best_f1(epochs.done());
    rate_is_up(rule, epochs, window, &finding);
    const auto planned = static_cast<double>(rule.run.config().training.epochs);
    const bool on_time = !rule.found({"F1_BEHIND_TIMELINE", "F1_NOT_ABOVE_MAJORITY", "F1_ZERO"});
    if (on_time && static_cast<double>(epochs.done()) > rule.setting("done_fraction") * planned)
        finding.severity = Severity::info;
    advise_rate(rule, finding, kRateStep);
    return finding;
}

std::optional<Finding> overfitting(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const Rows window = epochs.last(rule.count("window"));
    if (!epochs.is_steady(window)) return std::nullopt;
    const auto all = epochs.values("val_loss_total", epochs.all());
    const double val_slope = slope(epochs.values("val_loss_total", window));
    const double train_slope = slope(epochs.values("train_loss_total", window));
    const auto best = std::ranges::min_element(all);
    if (!(val_slope > 0 && train_slope < 0 && all.back() >= *best * (1 + rule.setting("rise"))))
        return std::nullopt;
    const auto best_row = static_cast<std::size_t>(best - all.begin());
    Finding finding = rule.finding(best_row, window.last());
    finding.evidence["val_loss_total"] = all.back();
    finding.evidence["best_val_loss_total"] = *best;
    finding.evidence["best_epoch"] = finding.first_epoch;
    finding.evidence["val_slope"] = val_slope;
    finding.evidence["train_slope"] = train_slope;
    if (!rule.run.has_config()) return finding;
    const Config& config = rule.run.config();
    rule.advise(finding, "model.dropout",
                rounded(std::max(config.model.dropout, std::min(0.5, config.model.dropout + 0.2))));
    // What helps against learning recordings by heart, and this run's own turning point.
    rule.advise(finding, "training.epochs", static_cast<std::int64_t>(best_row + 1));
    return finding;
}

}  // namespace

std::vector<Rule> progress_rules() {
    const RuleSetting window = {"window", 5, "epochs looked at", true};
    const RuleSetting gain = {"f1_gain", 0.005, "rise of the best macro F1 that counts as progress"};
    const RuleSetting rate = {"rate_factor", 10, "times schedule.min_lr that the rate must exceed"};
    return {
        {.id = "CLASSIFICATION_STALLED",
         .severity = Severity::warning,
         .settings = {window, {"slope", 0, "slope of the loss from which it counts as stalled"}, gain, rate},
         .reads = "epochs, config",
         .fires_when =
             "steady, the slope of the classification's training loss is ≥ 0 over the window of 5 epochs, "
             "the best F1 rose by less than 0.005 in it, and the rate is above 10 × `schedule.min_lr`",
         .meaning =
             "The classification does not even fit the training recordings any better, although the rate "
             "would let it.",
         .advice = "Give it a balanced share of the total if it has less; else lower the rate to a third.",
         .caused_by = {"LOSS_NOT_FINITE", "CLASSIFICATION_WEIGHT_LOW", "SIGNAL_DOMINATES",
                       "LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE", "GRADIENT_VANISHING", "LOSS_DOMINATED"},
         .judge = classification_stalled},
        {.id = "PLATEAU",
         .severity = Severity::warning,
         .settings = {window,
                      {"change", 0.01, "relative change of the loss below which it stands still"},
                      gain,
                      rate,
                      {"done_fraction", 0.5,
                       "part of the epochs after which a run on time is only told (info)"}},
         .reads = "epochs, config",
         .fires_when =
             "steady, the total training loss changed by less than 1 % over the window of 5 epochs, the "
             "rate is above 10 × `schedule.min_lr`, the best F1 rose by less than 0.005; info once the F1 "
             "is ahead of the timeline and more than half the epochs are done",
         .meaning = "Training stands still at a rate at which it should move.",
         .advice = "Lower the rate to a third: at this one the steps only circle the valley.",
         .caused_by = {"LOSS_NOT_FINITE", "LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE", "GRADIENT_VANISHING",
                       "CLASSIFICATION_WEIGHT_LOW", "SIGNAL_DOMINATES", "LOSS_DOMINATED",
                       "CLASSIFICATION_STALLED"},
         .judge = plateau},
        {.id = "OVERFITTING",
         .severity = Severity::warning,
         .settings = {window, {"rise", 0.02, "how far the last validation loss is above its best, relative"}},
         .reads = "epochs",
         .fires_when =
             "steady, over the window of 5 epochs the slope of `val_loss_total` is above 0 and that of "
             "the training loss below 0, and the last `val_loss_total` is at least 2 % above its best",
         .meaning =
             "The network goes on fitting the training recordings while it gets worse on patients that it "
             "has not seen: it learns recordings by heart.",
         .advice = "More dropout and as many epochs as the validation loss fell; better still more patients "
                   "or more "
                   "augmentation. The best checkpoint is from before, so nothing is lost.",
         .caused_by = {"LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE"},
         .judge = overfitting},
    };
}

}  // namespace abr
