// How far a metric may be off because these patients and no others were measured.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/training/evaluation.hpp"
#include "kernels/cpu/stream.hpp"
#include "model/learner.hpp"

namespace abr {

struct Interval {
    double low = 0, high = 0;  // 2.5th and 97.5th percentile of the replicates (linear interpolation)
};

inline constexpr int kBootstrapReplicates = 1000;

// 95 % percentile intervals of the metrics by a bootstrap over patients (Efron and Tibshirani 1993, chapter 13): each
// replicate draws as many patients as there are, with replacement, and takes all of their recordings; a patient who
// is drawn twice counts as two. By metric name; a metric that fewer than half of the replicates have (AUC with one
// class, say) has none, and losses have none: they are no property of a recording alone. The evaluation holds the
// restored signals. The same for any number of threads.
std::map<std::string, Interval> bootstrap_intervals(const SplitView&, const Evaluation&,
                                                    const EvaluationSettings&, std::uint64_t seed,
                                                    cpu::Stream&, int replicates = kBootstrapReplicates);

}  // namespace abr
