#include "engine/prediction/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <vector>

#include "engine/data/random_sequence.hpp"
#include "engine/training/row_metrics.hpp"

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

class Bootstrap {
  public:
    Bootstrap(const SplitView& split, const Evaluation& evaluation, const EvaluationSettings& settings)
        : classes_(split.classes),
          patients_(rows_by_patient(split.data)),
          metrics_(split, evaluation, settings) {}

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
        for_each_metric(metrics_.measure(rows, patient), classes_,
                        [&](const std::string& name, const Metric& metric) {
                            if (metric.value && std::isfinite(*metric.value)) values[name] = *metric.value;
                        });
        return values;
    }

  private:
    std::span<const std::string> classes_;
    std::vector<std::vector<std::size_t>> patients_;  // rows of each
    RowMetrics metrics_;
};

// The percentile of sorted values, with linear interpolation between them.
double percentile(const std::vector<double>& sorted, double share) {
    const double place = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::map<std::string, Interval> bootstrap_intervals(const SplitView& split, const Evaluation& evaluation,
                                                    const EvaluationSettings& settings, std::uint64_t seed,
                                                    cpu::Stream& stream, int replicates) {
    const Bootstrap bootstrap(split, evaluation, settings);
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
