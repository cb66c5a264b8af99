#include "engine/prediction/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <vector>

#include "engine/data/random_sequence.hpp"
#include "kernels/evaluation_terms.hpp"
#include "metrics/split_metrics.hpp"

namespace abr {
namespace {

// Rows of each patient who has one, in the order of the split.
std::vector<std::vector<std::size_t>> rows_by_patient(const SplitData& data) {
    std::map<std::int32_t, std::vector<std::size_t>> rows;
    for (std::size_t r = 0; r < data.patient.size(); ++r) rows[data.patient[r]].push_back(r);
    std::vector<std::vector<std::size_t>> list;
    for (auto& [patient, its_rows] : rows) list.push_back(std::move(its_rows));
    return list;
}

RegressionSums sums_of(const std::vector<float>& predictions, const std::vector<float>& targets,
                       const std::vector<std::size_t>& rows) {
    RegressionSums sums;
    if (predictions.empty()) return sums;
    double total = 0;
    for (const std::size_t r : rows) {
        if (std::isnan(targets[r])) continue;
        const double error = double{predictions[r]} - double{targets[r]};
        sums.count += 1;
        sums.absolute_error += std::abs(error);
        sums.squared_error += error * error;
        total += double{targets[r]};
    }
    if (sums.count == 0) return sums;
    sums.target_mean = total / sums.count;
    for (const std::size_t r : rows)
        if (!std::isnan(targets[r]))
            sums.target_squared_deviation += std::pow(double{targets[r]} - sums.target_mean, 2);
    return sums;
}

class Bootstrap {
  public:
    Bootstrap(const EvaluatedSplit& split, const Evaluation& evaluation)
        : split_(split), evaluation_(evaluation), patients_(rows_by_patient(split.data)) {
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

    // Replicate number `replicate`: the metrics that it has, by name.
    std::map<std::string, double> metrics(std::uint64_t seed, std::uint32_t replicate) const {
        RandomSequence random(stream_key(seed, Purpose::bootstrap), replicate);
        std::vector<std::size_t> rows;
        std::vector<std::int32_t> patient;
        for (std::size_t i = 0; i < patients_.size(); ++i) {
            const auto& drawn = patients_[random.below(static_cast<std::uint32_t>(patients_.size()))];
            rows.insert(rows.end(), drawn.begin(), drawn.end());
            patient.resize(rows.size(), static_cast<std::int32_t>(i));
        }
        std::map<std::string, double> values;
        for_each_metric(measure(rows, patient), split_.classes,
                        [&](const std::string& name, const Metric& metric) {
                            if (metric.value && std::isfinite(*metric.value)) values[name] = *metric.value;
                        });
        return values;
    }

  private:
    template <class T>
    static std::vector<T> take(const std::vector<T>& values, const std::vector<std::size_t>& rows,
                               std::size_t columns = 1) {
        std::vector<T> taken;
        if (values.empty()) return taken;
        taken.reserve(rows.size() * columns);
        for (const std::size_t r : rows)
            for (std::size_t c = 0; c < columns; ++c) taken.push_back(values[r * columns + c]);
        return taken;
    }

    SplitMetrics measure(const std::vector<std::size_t>& rows,
                         const std::vector<std::int32_t>& patient) const {
        const SplitData& data = split_.data;
        const std::size_t classes = split_.classes.size();
        PerComponent<std::vector<float>> answer;
        PerComponent<std::vector<std::int32_t>> label;
        for (const Component c : kAllComponents) {
            answer[c] = take(evaluation_.answer[c], rows, task_of(c).kind == TaskKind::classes ? classes : 1);
            label[c] = take(data.label[c], rows);
        }
        const auto correlation = take(evaluation_.signal_correlation, rows);
        const auto gain = take(evaluation_.signal_snr_gain_db, rows);
        SplitEvaluation sample = split_evaluation(split_, evaluation_, {});
        sample.losses = {};
        for (const Component c : kAllComponents) {
            sample.answer[c] = answer[c];
            sample.label[c] = label[c];
        }
        sample.patient = patient;
        sample.signal_correlation = correlation;
        sample.signal_snr_gain_db = gain;

        sample.confusion = ConfusionMatrix(static_cast<Index>(classes));
        sample.sums = {};
        for (const Component c : kAllComponents) {
            if (is_scalar(c)) sample.sums.scalar[c] = sums_of(evaluation_.answer[c], data.scalar[c], rows);
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
        for (const std::size_t r : rows) {
            if (signal_squared_error_.empty()) break;
            sample.sums.signal_count += static_cast<double>(data.length);
            sample.sums.signal_squared_error += signal_squared_error_[r];
        }
        return split_metrics(sample);
    }

    const EvaluatedSplit& split_;
    const Evaluation& evaluation_;
    std::vector<std::vector<std::size_t>> patients_;
    std::vector<double> signal_squared_error_;  // (rows) uV^2, summed over samples
};

// The percentile of sorted values, with linear interpolation between them.
double percentile(const std::vector<double>& sorted, double share) {
    const double place = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::map<std::string, Interval> bootstrap_intervals(const EvaluatedSplit& split, const Evaluation& evaluation,
                                                    std::uint64_t seed, cpu::Stream& stream, int replicates) {
    const Bootstrap bootstrap(split, evaluation);
    std::vector<std::map<std::string, double>> measured(static_cast<std::size_t>(replicates));
    std::vector<std::exception_ptr> errors(measured.size());
    stream.parallel_for(replicates, [&](Index i) {
        try {
            measured[static_cast<std::size_t>(i)] = bootstrap.metrics(seed, static_cast<std::uint32_t>(i));
        } catch (...) {
            errors[static_cast<std::size_t>(i)] = std::current_exception();
        }
    });
    for (const std::exception_ptr& error : errors)
        if (error) std::rethrow_exception(error);

    std::map<std::string, std::vector<double>> values;
    for (const auto& replicate : measured)
        for (const auto& [name, value] : replicate) values[name].push_back(value);
    std::map<std::string, Interval> intervals;
    for (auto& [name, sample] : values) {
        if (2 * sample.size() < measured.size()) continue;
        std::sort(sample.begin(), sample.end());
        intervals[name] = {percentile(sample, 0.025), percentile(sample, 0.975)};
    }
    return intervals;
}

}  // namespace abr
