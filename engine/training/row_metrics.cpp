#include "engine/training/row_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "kernels/evaluation_terms.hpp"

namespace abr {
namespace {

RegressionSums sums_of(std::span<const float> predictions, std::span<const float> targets) {
    RegressionSums sums;
    if (predictions.empty()) return sums;
    double total = 0;
    for (std::size_t r = 0; r < targets.size(); ++r) {
        if (std::isnan(targets[r])) continue;
        const double error = double{predictions[r]} - double{targets[r]};
        sums.count += 1;
        sums.absolute_error += std::abs(error);
        sums.squared_error += error * error;
        total += double{targets[r]};
    }
    if (sums.count == 0) return sums;
    sums.target_mean = total / sums.count;
    for (const float target : targets)
        if (!std::isnan(target))
            sums.target_squared_deviation += std::pow(double{target} - sums.target_mean, 2);
    return sums;
}

// The rows of an array of (rows, columns); none where the array has none.
template <class T>
std::vector<T> take(const std::vector<T>& values, std::span<const std::size_t> rows,
                    std::size_t columns = 1) {
    std::vector<T> taken;
    if (values.empty()) return taken;
    taken.reserve(rows.size() * columns);
    for (const std::size_t r : rows)
        for (std::size_t c = 0; c < columns; ++c) taken.push_back(values[r * columns + c]);
    return taken;
}

}  // namespace

RowMetrics::RowMetrics(const SplitView& split, const Evaluation& evaluation,
                       const EvaluationSettings& settings)
    : split_(split), evaluation_(evaluation), whole_(split_evaluation(split, evaluation, settings)) {
    const SplitData& data = split.data;
    if (evaluation.restored_uv.empty()) return;
    const std::vector<float>& wanted = data.clean.empty() ? data.signal : data.clean;
    const auto length = static_cast<std::size_t>(data.length);
    for (std::size_t r = 0; r < data.patient.size(); ++r) {
        double error = 0;
        for (std::size_t k = r * length; k < (r + 1) * length; ++k)
            error += std::pow(double{evaluation.restored_uv[k]} - double{wanted[k]}, 2);
        signal_squared_error_.push_back(error);
    }
}

SplitMetrics RowMetrics::measure(std::span<const std::size_t> rows,
                                 std::span<const std::int32_t> patient) const {
    const SplitData& data = split_.data;
    const std::size_t classes = split_.classes.size();
    SplitEvaluation sample = whole_;
    sample.losses = {};
    sample.sums = {};
    sample.confusion = ConfusionMatrix(static_cast<Index>(classes));
    PerComponent<std::vector<float>> answer, target;
    PerComponent<std::vector<std::int32_t>> label;
    for (const Component c : kAllComponents) {
        answer[c] = take(evaluation_.answer[c], rows, task_of(c).kind == TaskKind::classes ? classes : 1);
        label[c] = take(data.label[c], rows);
        target[c] = take(data.scalar[c], rows);
        sample.answer[c] = answer[c];
        sample.label[c] = label[c];
        sample.target[c] = target[c];
        if (is_scalar(c)) sample.sums.scalar[c] = sums_of(answer[c], target[c]);
        if (answer[c].empty() || !is_labelled(c)) continue;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::int32_t actual = label[c][i];
            if (actual < 0) continue;
            if (task_of(c).kind == TaskKind::binary) {
                ++count_of(sample.sums.binary[c], answer[c][i] > 0, actual == 1);
            } else {
                const auto begin = answer[c].begin() + static_cast<std::ptrdiff_t>(i * classes);
                const auto end = begin + static_cast<std::ptrdiff_t>(classes);
                sample.confusion.add(actual, std::max_element(begin, end) - begin);
            }
        }
    }
    const auto ear = take(data.ear, rows);
    const auto correlation = take(evaluation_.signal_correlation, rows);
    const auto gain = take(evaluation_.signal_snr_gain_db, rows);
    sample.patient = patient;
    sample.ear = ear;
    sample.signal_correlation = correlation;
    sample.signal_snr_gain_db = gain;
    for (const std::size_t r : rows) {
        if (signal_squared_error_.empty()) break;
        sample.sums.signal_count += static_cast<double>(data.length);
        sample.sums.signal_squared_error += signal_squared_error_[r];
    }
    return split_metrics(sample);
}

std::vector<LevelRow> metrics_by_level(const SplitView& split, const Evaluation& evaluation,
                                       const EvaluationSettings& settings, const std::string& name) {
    const SplitData& data = split.data;
    const std::vector<std::int32_t>& label = data.label[Component::classification];
    // Empty sorts first.
    std::map<std::pair<std::optional<float>, std::optional<std::int32_t>>, std::vector<std::size_t>> groups;
    for (std::size_t r = 0; r < data.patient.size(); ++r) {
        for (const auto& level : {std::optional<float>(), std::optional(data.intensity_db[r])}) {
            groups[{level, {}}].push_back(r);
            if (label[r] >= 0) groups[{level, label[r]}].push_back(r);
        }
    }
    const RowMetrics metrics(split, evaluation, settings);
    std::vector<LevelRow> rows;
    for (const auto& [key, members] : groups)
        rows.push_back({name, key.first, key.second, std::ssize(members),
                        metrics.measure(members, take(data.patient, members))});
    return rows;
}

}  // namespace abr
