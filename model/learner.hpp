// The training step and the evaluation of a split, on one backend. What the epoch loop talks to.
//
// All state lives on the device: parameters, gradients, optimiser, recordings, order, losses, sums. A step
// makes no allocation and no host read; results are read when steps() or evaluate() asks for them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/batch.hpp"
#include "kernels/components.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/evaluation.hpp"
#include "kernels/loss.hpp"
#include "kernels/optimizer.hpp"
#include "kernels/profile.hpp"
#include "model/network.hpp"
#include "model/parameters.hpp"

namespace abr {

struct LearnerSettings {
    NetworkShape shape;
    LossSettings loss;
    std::vector<float> class_weights;  // one per class
    BatchSettings batch;
    PerComponent<Scaling> scaling;  // of scalar tasks
    AdamW optimizer;
    double ema_decay = 0;  // of the average of the weights, at most (1 + step) / (10 + step); 0 = off
    ParameterLayout::RateMultipliers rates;
    std::uint64_t seed = 0;
    Index batch_size = 64;   // recordings of a micro-batch
    Index accumulation = 1;  // micro-batches of a step
};

// A split evaluated: one row per recording, and what was summed over them.
struct Evaluation {
    Index rows = 0;
    PerComponent<std::vector<float>> answer;  // as Predictions::answer; empty where the head is not built
    std::vector<float> signal_correlation, signal_snr_gain_db;
    // Of every sample, (rows, T); empty unless asked for, or where the network has no such output.
    std::vector<float> restored_uv;
    std::vector<float> wave_v_map;        // sums to 1; where it points at wave V
    std::vector<std::int64_t> confusion;  // (K, K) true x predicted
    EvaluationSums sums;
    LossSums losses;
};

// Host copies of everything that a checkpoint holds.
struct LearnerState {
    std::vector<float> value, first_moment, second_moment, ema;  // ema empty when off
};

// A named array on the host, row-major.
struct HostTensor {
    std::string name;
    std::vector<Index> shape;
    std::vector<float> values;
};

class Learner {
  public:
    virtual ~Learner() = default;

    virtual const Network& network() const = 0;

    // From now on every op notes its time there, by phase (CUDA waits for each); null, as at first: nowhere.
    virtual void set_profile(Profile*) = 0;

    // Starts an epoch: the order of the training recordings and the weights of this epoch.
    virtual void begin_epoch(std::uint32_t epoch, std::span<const std::int32_t> order,
                             const PerComponent<double>& weights) = 0;
    // One optimiser step over order[begin, begin + count); count <= batch_size * accumulation.
    virtual void train_step(std::int64_t step, Index begin, Index count, double learning_rate) = 0;
    // Waits, and gives the records of this epoch's steps so far.
    virtual std::span<const StepRecord> steps() = 0;
    virtual StepStatus status() = 0;

    // What train_step would see and compute, without the optimiser; count <= batch_size. Learns nothing.
    //   batch/signal (B, T), batch/statics (B, S), batch/<component>: targets in the heads' unit, missing = NaN,
    //   -1; outputs/<component>; losses (components); gradients/<parameter>: of the weighted total
    virtual std::vector<HostTensor> trace_step(std::int64_t step, Index begin, Index count) = 0;

    // All recordings of a split (in host memory), with the EMA of the weights if there is one. The restored signals are those of
    // the input that the signal metrics are measured on: degraded where there is no clean signal.
    virtual Evaluation evaluate(const DeviceRecordings&, bool with_samples = false) = 0;

    // Names of parameter tensors that get no gradient although all weights are `weights` and FiLM is small
    // and random. Restores all state.
    virtual std::vector<std::string> tensors_without_gradient(std::span<const std::int32_t> order,
                                                              const PerComponent<double>& weights) = 0;

    virtual LearnerState state() = 0;
    virtual void restore(const LearnerState&) = 0;
};

// `train` is read in place and must outlive the learner.
std::unique_ptr<Learner> make_cpu_learner(const LearnerSettings&, const DeviceRecordings& train, int threads);

// On the current CUDA device; `train`, in host memory, is copied there. Of the library abr_model_cuda, which has to be
// linked with an implementation of the CUDA backend. Throws cuda::Error; where the device has too little memory, with
// what is needed, what is free and the largest batch that fits.
std::unique_ptr<Learner> make_cuda_learner(const LearnerSettings&, const DeviceRecordings& train);

}  // namespace abr
