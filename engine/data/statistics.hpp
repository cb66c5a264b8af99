// What is fitted on the training rows and stored in the checkpoint: fill-in values, standardisation of static
// inputs and regression targets, class weights. Prediction on new data needs nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/recordings.hpp"
#include "kernels/batch.hpp"

namespace abr {

// Standard deviations are biased (divided by n).
struct Moments {
    double mean = 0;
    double sd = 0;  // 0 = constant on the training rows
    bool operator==(const Moments&) const = default;
};

struct FittedStatistics {
    // Medians of the values that are present, in place of missing ones; 0 where none is present.
    double fill_age_years = 0, fill_rate_hz = 0, fill_fmp = 0;
    // In the order and unit of StaticInput, missing values filled; the flags' are of what training sees, dropout
    // included, so that a flag says something also where every row has the input. The signal's are those of
    // the recordings as they are, without degradation.
    std::array<Moments, kStaticInputs> statics;
    // Moments of the targets that are present; latency within the window only.
    PerComponent<Moments> target;            // of scalar tasks
    std::vector<std::int64_t> class_counts;  // recordings of each class
    std::vector<double> class_weights;       // omega of the classification loss
    bool operator==(const FittedStatistics&) const = default;
};

// omega of the classification loss. Balanced weights are (N / (K * n_c))^power over the N recordings that
// have a class; without any they are 1. Throws InputError for balanced weights with a class that has no
// training row.
std::vector<double> class_weights(const std::vector<std::int64_t>& class_counts, const LossConfig&);

// `rows`: the training rows of the table, not empty; `classes`: K; `static_dropout`: how often training takes age,
// rate and FMP as missing. Throws InputError as class_weights does.
FittedStatistics fit_statistics(const Recordings&, std::span<const std::int64_t> rows, std::size_t classes,
                                const LossConfig& loss, float static_dropout);

// Mean and sd of a recording in uV, the latter at least 1e-12, as kernels/batch.hpp computes them.
Moments signal_moments(std::span<const float> signal);

// A label as a training target: NaN where it is missing, or a time outside the recording.
inline float scalar_target(const Recordings& table, Component c, std::size_t row) {
    const float value = table.scalar[c][row];
    if (task_of(c).follows != Follows::shift) return value;
    return double{value} >= table.first_sample_ms && double{value} <= table.end_ms() ? value : kMissing;
}

// The seven stored static inputs of a row (StaticInput order), filled and standardised. Throws InputError
// naming the data row if a value is not finite in the network's unit (an age or FMP below -1).
std::array<float, kStoredStatics> standardised_statics(const Recordings&, std::int64_t row,
                                                       const FittedStatistics&);

// Scale 1 for a target, 0 (inverse) for a static input that is constant on the training rows.
Standardisation static_standardisation(const Moments&);
Standardisation target_standardisation(const Moments&);

// Sets the fields of `settings` that follow from the statistics: standardisations, fill-in values, flags,
// the spread of the static inputs.
void apply_statistics(const FittedStatistics&, BatchSettings& settings);

// For the checkpoint: float64 tensors by name ("statistics/..."), in a fixed order. `values` of a fixed
// length for each name; the class vectors have one value for each class.
struct NamedArray {
    std::string name;
    std::vector<double> values;
};
std::vector<NamedArray> to_named_arrays(const FittedStatistics&);
// The inverse; `read` returns the values under a name (and throws where there are none). Throws InputError
// for another number of values than `classes` and the fixed lengths ask for, or one that is not finite.
FittedStatistics statistics_from_named_arrays(
    const std::function<std::vector<double>(const std::string&)>& read, std::size_t classes);

}  // namespace abr
