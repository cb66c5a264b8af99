// Rules on losses and gradients that are not finite, jump about, or are out of all proportion.
#include <algorithm>
#include <cmath>

#include "engine/rules/advice.hpp"
#include "engine/rules/epoch_columns.hpp"
#include "engine/rules/rules.hpp"
#include "metrics/summary.hpp"

namespace abr {
namespace {

struct NotFinite {
    std::size_t row = 0;
    std::string column;
};

// The first row in which one of the columns is NaN or Inf; the columns that are not there are passed over.
std::optional<NotFinite> first_not_finite(const RunTable& table, const std::vector<std::string>& columns) {
    std::optional<NotFinite> first;
    for (const std::string& column : columns) {
        if (!table.has(column)) continue;
        const auto cells = table.numbers(column);
        const auto bad =
            std::ranges::find_if(cells, [](const auto& cell) { return cell && !std::isfinite(*cell); });
        const auto row = static_cast<std::size_t>(bad - cells.begin());
        if (bad != cells.end() && (!first || row < first->row)) first = {row, column};
    }
    return first;
}

std::optional<Finding> loss_not_finite(const RuleCase& rule) {
    std::vector<std::string> of_steps, of_epochs;
    for (const Component c : kAllComponents) {
        // A further loss that is off has no columns.
        if (!is_task(c) && !rule.run.steps.has(column_of("loss_", c))) continue;
        of_steps.push_back(column_of("loss_", c));
        of_epochs.push_back(column_of("train_loss_", c));
        of_epochs.push_back(column_of("val_loss_", c));
    }
    of_steps.insert(of_steps.end(), {"loss_total", "grad_norm"});
    of_epochs.insert(of_epochs.end(), {"train_loss_total", "val_loss_total", "grad_norm_mean"});

    const RunTable& steps = rule.run.steps;
    const RunTable& epochs = rule.run.epochs;
    if (const auto bad = first_not_finite(steps, of_steps)) {
        const auto epoch = steps.numbers("epoch")[bad->row];
        Finding finding = rule.finding();
        finding.first_epoch = finding.last_epoch = static_cast<std::int64_t>(epoch.value_or(0));
        finding.evidence["column"] = bad->column;
        finding.evidence["step"] = steps.numbers("step")[bad->row].value_or(0);
        finding.evidence["learning_rate"] = steps.numbers("learning_rate")[bad->row].value_or(0);
        if (bad->row > 0) finding.evidence["loss_total_before"] = *steps.numbers("loss_total")[bad->row - 1];
        advise_rate(rule, finding, 0.1);
        return finding;
    }
    if (const auto bad = first_not_finite(epochs, of_epochs)) {
        Finding finding = rule.finding();
        finding.first_epoch = finding.last_epoch =
            static_cast<std::int64_t>(epochs.numbers("epoch")[bad->row].value());
        finding.evidence["column"] = bad->column;
        advise_rate(rule, finding, 0.1);
        return finding;
    }
    steps.require();
    epochs.require();
    return std::nullopt;
}

// What steps.csv says of one epoch.
struct EpochSteps {
    double epoch = 0;
    double last_step = 0;
    std::vector<double> total;  // of the rows written, every logging.steps_every-th step
};

std::vector<EpochSteps> steps_by_epoch(const RunTable& steps) {
    const auto epoch = steps.numbers("epoch"), step = steps.numbers("step"),
               total = steps.numbers("loss_total");
    std::vector<EpochSteps> result;
    for (std::size_t row = 0; row < steps.rows(); ++row) {
        if (!epoch[row] || !step[row] || !total[row]) throw NotJudged("steps.csv has an empty cell");
        if (result.empty() || result.back().epoch != *epoch[row]) result.push_back({*epoch[row], 0, {}});
        result.back().last_step = *step[row];
        result.back().total.push_back(*total[row]);
    }
    return result;
}

bool has_mse(const LossConfig& loss, Component component) {
    return !is_labelled(component) && loss.distance[component].type == Distance::mse;
}

int step_recordings(const TrainingConfig& training) {
    return training.batch_size * training.accumulation;
}

// Focal losses and squares of few recordings jump more by nature.
double component_limit(const RuleCase& rule, Component component) {
    const Config& config = rule.run.config();
    const bool focal = component == Component::classification && config.loss.focal_gamma > 0;
    const bool few = step_recordings(config.training) < rule.setting("few_recordings");
    const bool jumps = focal || (few && has_mse(config.loss, component));
    return rule.setting(jumps ? "noisy_component" : "component");
}

struct Variance {
    std::string column;
    double limit = 0;
    std::vector<std::size_t> rows;  // of epochs.csv in which it is above the limit
    double largest = 0;             // std / mean
};

void observe(Variance& variance, std::size_t row, double std, double mean) {
    const double ratio = mean > 0 ? std / mean : 0;
    if (!(ratio > variance.limit)) return;
    variance.rows.push_back(row);
    variance.largest = std::max(variance.largest, ratio);
}

std::optional<Finding> loss_variance_high(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const auto steps = steps_by_epoch(rule.run.steps);
    const auto enough = static_cast<double>(rule.count("steps"));
    std::vector<Variance> variances(1 + kComponents);
    variances[0] = {"train_loss_total", rule.setting("total"), {}, 0};
    for (const Component c : kAllComponents)
        variances[1 + static_cast<std::size_t>(c)] = {
            column_of("train_loss_", c), component_limit(rule, c), {}, 0};
    for (std::size_t row = rule.count("from_epoch") - 1; row < epochs.done(); ++row) {
        const auto found = std::ranges::find(steps, epochs.value("epoch", row), &EpochSteps::epoch);
        if (found == steps.end()) continue;
        const double before = found == steps.begin() ? -1 : std::prev(found)->last_step;
        if (found->last_step - before < enough) continue;
        if (static_cast<double>(found->total.size()) >= enough) {
            const Spread total = spread(found->total);
            observe(variances[0], row, total.std, total.mean);
        }
        for (const Component component : components_on(epochs, row)) {
            const std::string column = column_of("train_loss_", component);
            observe(variances[1 + static_cast<std::size_t>(component)], row,
                    epochs.value(column + "_std", row), epochs.value(column, row));
        }
    }
    const auto worst = std::ranges::max_element(variances, {}, [&](const Variance& variance) {
        return variance.rows.size() < rule.count("epochs") ? 0.0 : variance.largest / variance.limit;
    });
    if (worst->rows.size() < rule.count("epochs")) return std::nullopt;
    Finding finding = rule.finding(worst->rows.front(), worst->rows.back());
    const TrainingConfig& training = rule.run.config().training;
    finding.evidence["column"] = worst->column;
    finding.evidence["std_over_mean"] = worst->largest;
    finding.evidence["limit"] = worst->limit;
    finding.evidence["epochs_above"] = worst->rows.size();
    finding.evidence["recordings_a_step"] = step_recordings(training);
    // The spread over steps falls with the root of the recordings a step.
    const double more = std::clamp(std::pow(worst->largest / worst->limit, 2), 2.0, 8.0);
    rule.advise(finding, "training.accumulation",
                static_cast<std::int64_t>(std::ceil(training.accumulation * more)));
    return finding;
}

std::optional<Finding> gradient_unstable(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const auto mean_norm = epochs.values("grad_norm_mean", epochs.all());
    const auto std_norm = epochs.values("grad_norm_std", epochs.all());
    const auto max_norm = epochs.values("grad_norm_max", epochs.all());
    const std::size_t preceding = rule.count("preceding");
    std::vector<std::size_t> spread_rows, peak_rows;
    double largest_ratio = 0, largest_peak = 0;
    for (std::size_t row = 1; row < epochs.done(); ++row) {
        if (mean_norm[row] > 0 && std_norm[row] / mean_norm[row] > rule.setting("ratio")) {
            spread_rows.push_back(row);
            largest_ratio = std::max(largest_ratio, std_norm[row] / mean_norm[row]);
        }
        if (row < preceding) continue;
        const double usual = median({mean_norm.begin() + static_cast<std::ptrdiff_t>(row - preceding),
                                     mean_norm.begin() + static_cast<std::ptrdiff_t>(row)});
        if (usual > 0 && max_norm[row] > rule.setting("peak") * usual) {
            peak_rows.push_back(row);
            largest_peak = std::max(largest_peak, max_norm[row] / usual);
        }
    }
    const bool spreads = spread_rows.size() >= rule.count("ratio_epochs");
    const bool peaks = peak_rows.size() >= rule.count("peak_epochs");
    if (!spreads && !peaks) return std::nullopt;
    const auto& rows = spreads ? spread_rows : peak_rows;
    Finding finding = rule.finding(rows.front(), rows.back());
    if (spreads) {
        finding.evidence["std_over_mean"] = largest_ratio;
        finding.evidence["epochs_of_spread"] = spread_rows.size();
    }
    if (peaks) {
        finding.evidence["max_over_usual"] = largest_peak;
        finding.evidence["epochs_of_peaks"] = peak_rows.size();
    }
    const double usual = median(mean_norm);
    finding.evidence["median_of_means"] = usual;
    if (!rule.run.has_config()) return finding;
    const double clip = rule.run.config().training.gradient_clip;
    if (clip == 0 || clip > usual)
        rule.advise(finding, "training.gradient_clip", rounded(std::min(1.0, usual), 1));
    const OptimizerConfig& optimizer = rule.run.config().optimizer;
    const bool multiplied = std::max({optimizer.encoder_lr, optimizer.decoder_lr, optimizer.heads_lr}) > 1;
    if (!multiplied) advise_rate(rule, finding, 1.0 / 3);
    if (optimizer.encoder_lr > 1) rule.advise(finding, "optimizer.encoder_lr", 1.0);
    if (optimizer.decoder_lr > 1) rule.advise(finding, "optimizer.decoder_lr", 1.0);
    if (optimizer.heads_lr > 1) rule.advise(finding, "optimizer.heads_lr", 1.0);
    return finding;
}

std::optional<Finding> gradient_vanishing(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const auto norms = epochs.values("grad_norm_mean", epochs.all());
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < norms.size(); ++row) {
        if (norms[row] < rule.setting("norm")) rows.push_back(row);
    }
    if (rows.size() < rule.count("epochs")) return std::nullopt;
    Finding finding = rule.finding(rows.front(), rows.back());
    finding.evidence["grad_norm_mean"] = norms[rows.back()];
    finding.evidence["epochs_below"] = rows.size();
    finding.evidence["train_loss_total"] = epochs.value("train_loss_total", rows.back());
    // AdamW divides by the root of the second moment: weights matter only against its epsilon. Bring the norm
    // to 1e-2, where epsilon is nothing.
    const double norm = norms[rows.back()];
    for (const Component component : components_on(epochs, rows.back()))
        advise_weight(rule, finding, epochs, component, norm > 0 ? std::min(1e4, 1e-2 / norm) : 1e4);
    return finding;
}

std::optional<Finding> loss_high(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const auto loss = epochs.values("train_loss_total", epochs.all());
    const std::size_t needed = rule.count("epochs");
    std::optional<Rows> found;  // the last such stretch
    std::size_t begin = rule.count("from_epoch") - 1;
    for (std::size_t row = begin; row < loss.size(); ++row) {
        if (!(loss[row] > rule.setting("loss"))) begin = row + 1;
        if (row + 1 - begin >= needed) found = Rows{begin, row + 1};
    }
    if (!found) return std::nullopt;
    Finding finding = rule.finding(found->first, found->last());
    const std::size_t row = found->last();
    finding.evidence["train_loss_total"] = loss[row];
    const auto on = components_on(epochs, row);
    const auto largest = std::ranges::max_element(
        on, {}, [&](Component component) { return epochs.value(column_of("train_share_", component), row); });
    if (largest == on.end()) return finding;
    const double share = epochs.value(column_of("train_share_", *largest), row);
    finding.evidence["largest_component"] = kComponentNames[static_cast<std::size_t>(*largest)];
    finding.evidence["its_share"] = share;
    // What is left of it when the total is a tenth of the limit, or as little as the others leave.
    const double others = loss[row] * (1 - share);
    const double aim = std::max(0.1 * rule.setting("loss"), others / static_cast<double>(on.size()));
    advise_weight(rule, finding, epochs, *largest, std::max(0.01, aim / (loss[row] * share)));
    return finding;
}

}  // namespace

std::vector<Rule> stability_rules() {
    return {
        {.id = "LOSS_NOT_FINITE",
         .severity = Severity::critical,
         .settings = {},
         .reads = "epochs, steps",
         .fires_when =
             "a component, the total or the gradient's norm is NaN or Inf; the first step and column are "
             "named",
         .meaning = "From that step on nothing was learnt: the engine stops there.",
         .advice =
             "If the loss rose in the steps before (steps.csv), lower the rate to a tenth. If not, look for "
             "values out of all proportion in the step's recordings (ranges in data_report.json).",
         .caused_by = {"LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE"},
         .judge = loss_not_finite},
        {.id = "LOSS_VARIANCE_HIGH",
         .severity = Severity::warning,
         .settings = {{"epochs", 3, "epochs in which it holds", true},
                      {"from_epoch", 3, "the first epoch that counts, from 1", true},
                      {"steps", 20, "steps an epoch must have", true},
                      {"total", 0.5, "std / mean of the total"},
                      {"component", 0.8, "std / mean of a component"},
                      {"noisy_component", 1.2, "… of the focal loss, or of MSE at few recordings a step"},
                      {"few_recordings", 64, "recordings a step below which MSE is noisy"}},
         .reads = "epochs, steps, config",
         .fires_when =
             "in 3 epochs from the 3rd, of at least 20 steps each, std / mean over the steps is above 0.5 "
             "for the total or above 0.8 for a component that is on (1.2 for focal, or MSE at fewer than "
             "64 recordings a step)",
         .meaning = "The loss of one step says little about the next: the steps go where chance points.",
         .advice = "Take more recordings a step, as many as bring the spread to its limit; a class-balanced "
                   "sampler "
                   "helps where rare classes cause it.",
         .caused_by = {"LEARNING_RATE_HIGH", "BATCH_SMALL", "GRADIENT_UNSTABLE"},
         .judge = loss_variance_high},
        {.id = "GRADIENT_UNSTABLE",
         .severity = Severity::warning,
         .settings = {{"ratio", 1, "std / mean of the norm"},
                      {"ratio_epochs", 3, "epochs after the first in which it is above", true},
                      {"peak", 10, "largest norm over the usual one"},
                      {"preceding", 3, "epochs before, whose median mean is the usual norm", true},
                      {"peak_epochs", 2, "epochs in which it is above", true}},
         .reads = "epochs",
         .fires_when =
             "std / mean of the gradient's norm (before clipping) is above 1 in 3 epochs after the first, "
             "or its maximum above 10 × the median of the preceding 3 epochs' means in 2 epochs",
         .meaning =
             "A few steps have gradients out of all proportion; one of them can undo what hundreds learnt.",
         .advice = "Clip the norm at what is usual in this run. Take back multipliers of the rate above 1; "
                   "where there are "
                   "none, lower the rate to a third.",
         .caused_by = {"LEARNING_RATE_HIGH", "BATCH_SMALL"},
         .judge = gradient_unstable},
        {.id = "GRADIENT_VANISHING",
         .severity = Severity::warning,
         .settings = {{"norm", 1e-6, "mean norm below which nothing is learnt"},
                      {"epochs", 2, "epochs in which it is below", true}},
         .reads = "epochs",
         .fires_when = "the mean norm of the gradient is below 1e-6 in 2 epochs",
         .meaning = "The gradient is lost beside the optimiser's epsilon: the parameters hardly move.",
         .advice = "Raise the weights of the components that are on, all by the same factor.",
         .caused_by = {"LOSS_NOT_FINITE"},
         .judge = gradient_vanishing},
        {.id = "LOSS_HIGH",
         .severity = Severity::warning,
         .settings = {{"loss", 10, "total training loss"},
                      {"epochs", 2, "epochs running in which it is above", true},
                      {"from_epoch", 2, "the first epoch that counts, from 1", true}},
         .reads = "epochs",
         .fires_when = "the total training loss is above 10 in 2 epochs running from the 2nd",
         .meaning =
             "Each component is of the order of 1 by construction. A total above 10 comes from a weight that "
             "is too large, or from a loss that grows without bound.",
         .advice = "Lower the weight of the component with the largest share.",
         .caused_by = {"LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE", "SIGNAL_DOMINATES", "LOSS_DOMINATED"},
         .judge = loss_high},
    };
}

}  // namespace abr
