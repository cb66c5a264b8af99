#include "engine/records/epoch_record.hpp"

#include <functional>
#include <stdexcept>

namespace abr {
namespace {

constexpr const char* kNotValidated = "the epoch ended before validation";

// Values of one column over the steps.
std::vector<double> column(std::span<const StepRecord> steps,
                           const std::function<double(const StepRecord&)>& value) {
    std::vector<double> values;
    values.reserve(steps.size());
    for (const StepRecord& step : steps) values.push_back(value(step));
    return values;
}

// The one list of the columns of epochs.csv: header and row are both made from it. A column is a name and
// what appends its cell.
using Visit = std::function<void(const std::string& name, const std::function<void(CsvRow&)>& cell)>;

void for_each_column(const EpochRecord& record, std::span<const std::string> class_names,
                     const RunColumns& columns, const Visit& visit) {
    const PerComponent<bool>& present = columns.present;
    const auto number = [&](const std::string& name, std::optional<double> value) {
        visit(name, [value](CsvRow& row) { row.number(value); });
    };
    visit("epoch", [&](CsvRow& row) { row.integer(record.epoch); });
    number("learning_rate", record.train.learning_rate);
    number("seconds", record.seconds);
    number("recordings_per_second", record.recordings_per_second);
    for (const Component c : kAllComponents)
        if (has_columns(c, present)) number("weight_" + std::string(task_of(c).name), record.weight[c]);
    number("train_loss_total", record.train.loss_total);
    for (const Component c : kAllComponents) {
        if (!has_columns(c, present)) continue;
        const std::string component(task_of(c).name);
        const std::string loss_name = "train_loss_" + component;
        const std::optional<TrainLoss>& train = record.train.loss[c];
        const auto of_loss = [&](double Spread::*member) {
            return train ? std::optional(train->loss.*member) : std::nullopt;
        };
        number(loss_name, of_loss(&Spread::mean));
        number(loss_name + "_std", of_loss(&Spread::std));
        number(loss_name + "_min", of_loss(&Spread::min));
        number(loss_name + "_max", of_loss(&Spread::max));
        number("train_share_" + component, train ? train->share : std::nullopt);
    }
    number("grad_norm_mean", record.train.grad_norm.mean);
    number("grad_norm_max", record.train.grad_norm.max);
    number("grad_norm_std", record.train.grad_norm.std);

    SplitMetrics not_validated;
    not_validated.f1_class.resize(class_names.size());
    for (const Component c : kAllComponents)
        if (present[c]) not_validated.loss[c] = Metric::absent(kNotValidated);
    if (columns.ears) not_validated.ear_f1_macro = Metric::absent(kNotValidated);
    for_each_metric(
        record.val ? *record.val : not_validated, class_names,
        [&](const std::string& name, const Metric& metric) { number("val_" + name, metric.value); });
    if (columns.stages) visit("stage", [&](CsvRow& row) { row.text(record.stage); });
}

}  // namespace

TrainSummary summarise_steps(std::span<const StepRecord> steps, const PerComponent<double>& weights,
                             const PerComponent<bool>& present) {
    TrainSummary summary;
    summary.grad_norm = spread(column(steps, [](const StepRecord& step) { return step.grad_norm; }));
    summary.learning_rate = steps.back().learning_rate;
    for (const Component c : kAllComponents) {
        if (!present[c]) continue;
        TrainLoss train;
        train.loss = spread(column(steps, [c](const StepRecord& step) { return step.loss[c]; }));
        // A component that is off may be NaN or Inf without touching the total.
        if (weights[c] != 0) summary.loss_total += weights[c] * train.loss.mean;
        summary.loss[c] = train;
    }
    if (summary.loss_total == 0) return summary;
    for (const Component c : kAllComponents) {
        if (!summary.loss[c]) continue;
        summary.loss[c]->share =
            weights[c] != 0 ? weights[c] * summary.loss[c]->loss.mean / summary.loss_total : 0.0;
    }
    return summary;
}

std::vector<std::string> epoch_columns(std::span<const std::string> class_names, const RunColumns& columns) {
    std::vector<std::string> names;
    for_each_column({}, class_names, columns,
                    [&](const std::string& name, const auto&) { names.push_back(name); });
    return names;
}

CsvRow epoch_row(const EpochRecord& record, std::span<const std::string> class_names,
                 const RunColumns& columns) {
    if (record.val) {
        for_each_metric(*record.val, class_names, [](const std::string& name, const Metric& metric) {
            if (!metric.is_set()) {
                throw std::logic_error("the metric '" + name +
                                       "' has neither a value nor a reason for having none");
            }
        });
    }
    CsvRow row;
    for_each_column(record, class_names, columns, [&](const std::string&, const auto& cell) { cell(row); });
    return row;
}

std::map<std::string, std::string> absent_metrics(const SplitMetrics& metrics,
                                                  std::span<const std::string> class_names,
                                                  const std::string& prefix) {
    std::map<std::string, std::string> absent;
    for_each_metric(metrics, class_names, [&](const std::string& name, const Metric& metric) {
        if (!metric.value) absent.emplace(prefix + name, metric.reason);
    });
    return absent;
}

}  // namespace abr
