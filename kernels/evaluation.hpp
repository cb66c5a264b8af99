// What evaluation accumulates on the device: predictions of each recording, counts and sums over the split.
//
// Predictions are in physical units: regression outputs are un-standardised here (value = prediction * scale
// + mean), for every recording. Sums take the recordings whose target is there in the batch (a latency
// outside the window is masked there) and measure against the physical target. The predicted class is the
// largest logit, of equal ones the lowest index.
//
// Signal metrics are per recording, over its T samples, in uV after undoing the z-score with the batch's mean
// and sd:
//   squared error = sum (restored - clean)^2
//   correlation   = Pearson's, of restored and clean
//   SNR gain      = 10 log10(sum (input - clean)^2 / sum (restored - clean)^2)
// Correlation and gain are NaN where the clean or the restored signal's biased sd is below 1 nV; the gain
// also where one of its two sums is 0.
//
// Sums are in double and go recording by recording: the same bits for any number of threads and any batches.
#pragma once

#include <cstdint>

#include "kernels/batch.hpp"
#include "kernels/loss.hpp"
#include "kernels/streams.hpp"

namespace abr {

// Errors and moments over the recordings that have this target, in its unit. Mean and squared deviation are
// updated recording by recording (Welford 1962), so that R^2 = 1 - squared_error / target_squared_deviation
// loses no digits to the target's mean, and equal targets give a deviation of exactly 0.
struct RegressionSums {
    double count = 0, absolute_error = 0, squared_error = 0;
    double target_mean = 0;
    double target_squared_deviation = 0;  // sum of (target - mean of the targets)^2
};

// Counts of a 0/1 decision at logit 0.
struct BinarySums {
    std::int64_t true_positive = 0, false_positive = 0, false_negative = 0, true_negative = 0;
};

struct EvaluationSums {
    PerComponent<RegressionSums> scalar = {};  // of scalar tasks, in their units
    PerComponent<BinarySums> binary = {};      // of binary tasks
    double signal_count = 0;                   // samples
    double signal_squared_error = 0;           // uV^2
};

// Predictions of each recording of the split, (rows) where no shape is given; null: not wanted.
struct Predictions {
    // Classes have (rows, K) logits, binary tasks a logit, scalar tasks their value in its unit.
    PerComponent<float*> answer = {};
    float* signal_correlation = nullptr;
    float* signal_snr_gain_db = nullptr;
    float* restored_uv = nullptr;  // (rows, T)
};

// Mean and sd of a scalar target on the training rows, in its unit.
struct Scaling {
    float mean = 0, scale = 1;
};

template <class T>
struct EvaluationArguments {
    DeviceRecordings recordings;    // physical targets come from here
    const std::int32_t* order;      // (batch) rows of recordings
    Batch<T> batch;                 // as gather_batch left it, without augmentation
    Heads<const T> heads;           // what is null is skipped: not built, or not of this pass
    PerComponent<Scaling> scaling;  // of scalar tasks
    Index classes;                  // K
    Predictions predictions;        // row order[b] overwritten
    std::int64_t* confusion;        // (K, K) true x predicted, accumulated; labelled recordings only
    EvaluationSums* sums;           // accumulated
    double* workspace;              // evaluation_workspace(batch)
};

namespace cpu {

template <class T>
void accumulate_evaluation(Stream&, const EvaluationArguments<T>&);

}  // namespace cpu

namespace cuda {

template <class T>
void accumulate_evaluation(Stream&, const EvaluationArguments<T>&);

}  // namespace cuda

Index evaluation_workspace(Index batch);  // doubles

}  // namespace abr
