// The evaluation of kernels/evaluation.hpp in two launches. In the first a block takes a recording: its predictions, its
// signal metrics and, by atomic additions of integers, its counts. The second adds the sums recording by recording.
#include "kernels/evaluation.hpp"

#include <cmath>
#include <limits>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/evaluation_terms.hpp"

namespace abr::cuda {
namespace {

constexpr int kPredictionThreads = 64;
constexpr int kSumThreads = 128;  // a warp for each of four sums, and rows in shared memory at a time

__device__ inline void count(std::int64_t& counter) {
    atomicAdd(reinterpret_cast<unsigned long long*>(&counter), 1);  // the width that devices have it for
}

// Signal metrics of recording b; every thread gets them.
__device__ SignalMetrics measure_signal(const EvaluationArguments<float>& a, Index b) {
    const float* input = a.batch.input.row(b, 0);
    const float* clean = a.batch.targets.signal.row(b);
    const float* restored = a.heads.signal.row(b, 0);
    const Index length = a.batch.targets.signal.columns;
    double clean_mean = 0, restored_mean = 0, noise = 0, error = 0;
    for (Index t = threadIdx.x; t < length; t += kPredictionThreads) {
        const auto wanted = static_cast<double>(clean[t]);
        const double before = static_cast<double>(input[t]) - wanted;
        const double after = static_cast<double>(restored[t]) - wanted;
        clean_mean += wanted;
        restored_mean += static_cast<double>(restored[t]);
        noise += before * before;
        error += after * after;
    }
    const auto samples = static_cast<double>(length);
    clean_mean = block_sum<kPredictionThreads>(clean_mean) / samples;
    restored_mean = block_sum<kPredictionThreads>(restored_mean) / samples;
    noise = block_sum<kPredictionThreads>(noise);
    error = block_sum<kPredictionThreads>(error);
    double clean_squares = 0, restored_squares = 0, products = 0;
    for (Index t = threadIdx.x; t < length; t += kPredictionThreads) {
        const double x = static_cast<double>(clean[t]) - clean_mean;
        const double y = static_cast<double>(restored[t]) - restored_mean;
        clean_squares += x * x;
        restored_squares += y * y;
        products += x * y;
    }
    clean_squares = block_sum<kPredictionThreads>(clean_squares);
    restored_squares = block_sum<kPredictionThreads>(restored_squares);
    products = block_sum<kPredictionThreads>(products);
    return signal_metrics(samples, static_cast<double>(a.batch.sd[b]), noise, error, clean_squares,
                          restored_squares, products);
}

__global__ void __launch_bounds__(kPredictionThreads) predictions_kernel(EvaluationArguments<float> a) {
    const Index b = blockIdx.x, r = a.order[b];
    const Heads<const float>& heads = a.heads;
    const Predictions& out = a.predictions;
    if (heads.signal.data != nullptr) {
        const SignalMetrics metrics = measure_signal(a, b);
        if (threadIdx.x == 0) {
            a.workspace[b] = metrics.squared_error;
            if (out.signal_correlation != nullptr)
                out.signal_correlation[r] = static_cast<float>(metrics.correlation);
            if (out.signal_snr_gain_db != nullptr)
                out.signal_snr_gain_db[r] = static_cast<float>(metrics.snr_gain_db);
        }
        const Index length = a.batch.targets.signal.columns;
        for (Index t = threadIdx.x; out.restored_uv != nullptr && t < length; t += kPredictionThreads)
            out.restored_uv[r * length + t] =
                static_cast<float>(physical(heads.signal.row(b, t)[0], a.batch.mean[b], a.batch.sd[b]));
    }
    if (heads.logits.data != nullptr && out.logits != nullptr)
        for (Index k = threadIdx.x; k < a.classes; k += kPredictionThreads)
            out.logits[r * a.classes + k] = heads.logits.row(b)[k];
    if (threadIdx.x != 0) return;

    const auto regression = [&](const float* head, float* physical_out, float mean, float scale) {
        if (head != nullptr && physical_out != nullptr)
            physical_out[r] = static_cast<float>(physical(head[b], mean, scale));
    };
    regression(heads.latency, out.latency_ms, a.scaling.latency_mean, a.scaling.latency_scale);
    regression(heads.amplitude, out.amplitude_uv, a.scaling.amplitude_mean, a.scaling.amplitude_scale);
    regression(heads.threshold, out.threshold_db, a.scaling.threshold_mean, a.scaling.threshold_scale);
    const Targets<float>& targets = a.batch.targets;
    if (heads.exist != nullptr) {
        if (out.exist_logit != nullptr) out.exist_logit[r] = heads.exist[b];
        if (targets.exist[b] >= 0)
            count(count_of(a.sums->exist, heads.exist[b] > 0.0f, targets.exist[b] == 1));
    }
    if (heads.logits.data != nullptr && targets.label[b] >= 0)
        count(a.confusion[targets.label[b] * a.classes + predicted_class(heads.logits.row(b), a.classes)]);
}

// A regression head, its targets and its sums.
struct Regression {
    const float* head;    // null: not of this pass
    const float* masked;  // the batch's target: NaN where it does not count
    const float* target;  // by recording, physical
    float mean, scale;
    RegressionSums* sums;
};

// One block: warp w's first thread adds the regression of number w, that of the last warp the signal's squared errors.
__global__ void __launch_bounds__(kSumThreads)
    add_evaluation_kernel(EvaluationArguments<float> a, Regression latency, Regression amplitude,
                          Regression threshold) {
    DEVICE_SHARED(prediction, double[3][kSumThreads]);
    DEVICE_SHARED(target, float[3][kSumThreads]);
    DEVICE_SHARED(squared_error, double[kSumThreads]);
    const Index batch = a.batch.input.batch;
    const bool has_signal = a.heads.signal.data != nullptr;
    const auto thread = static_cast<int>(threadIdx.x);
    const int number = warp_index();
    const bool adds = lane_index() == 0;

    RegressionSums* const destination = number == 0   ? latency.sums
                                        : number == 1 ? amplitude.sums
                                        : number == 2 ? threshold.sums
                                                      : nullptr;
    RegressionSums sums;
    if (adds && destination != nullptr) sums = *destination;
    double errors = has_signal ? a.sums->signal_squared_error : 0.0;

    for (Index first = 0; first < batch; first += kSumThreads) {
        const Index b = first + thread;
        __syncthreads();  // the last rows have been read
        if (b < batch) {
            const Index r = a.order[b];
            const auto fetch = [&](int row, const Regression& one) {
                const bool there = one.head != nullptr && !std::isnan(one.masked[b]);
                prediction[row][thread] = there ? physical(one.head[b], one.mean, one.scale) : 0.0;
                target[row][thread] = there ? one.target[r] : std::numeric_limits<float>::quiet_NaN();
            };
            fetch(0, latency);
            fetch(1, amplitude);
            fetch(2, threshold);
            squared_error[thread] = has_signal ? a.workspace[b] : 0.0;
        }
        __syncthreads();
        const auto rows = static_cast<int>(batch - first < kSumThreads ? batch - first : kSumThreads);
        if (!adds) continue;
        if (destination == nullptr) {
            for (int row = 0; row < rows; ++row) errors += squared_error[row];
        } else {
            for (int row = 0; row < rows; ++row)
                if (!std::isnan(target[number][row]))
                    add(sums, prediction[number][row], static_cast<double>(target[number][row]));
        }
    }
    if (!adds) return;
    if (destination != nullptr) {
        *destination = sums;
    } else if (has_signal) {
        a.sums->signal_count += static_cast<double>(a.batch.targets.signal.size());
        a.sums->signal_squared_error = errors;
    }
}

}  // namespace

template <class T>
void accumulate_evaluation(Stream& stream, const EvaluationArguments<T>& a) {
    const ProfileScope scope(stream, __func__);
    const Index batch = a.batch.input.batch;
    const HeadScaling& s = a.scaling;
    const Targets<T>& targets = a.batch.targets;
    launch(predictions_kernel, batch, kPredictionThreads, 0, stream, a);
    launch(add_evaluation_kernel, 1, kSumThreads, 0, stream, a,
           Regression{a.heads.latency, targets.latency, a.recordings.latency_ms, s.latency_mean,
                      s.latency_scale, &a.sums->latency},
           Regression{a.heads.amplitude, targets.amplitude, a.recordings.amplitude_uv, s.amplitude_mean,
                      s.amplitude_scale, &a.sums->amplitude},
           Regression{a.heads.threshold, targets.threshold, a.recordings.threshold_db, s.threshold_mean,
                      s.threshold_scale, &a.sums->threshold});
}

template void accumulate_evaluation(Stream&, const EvaluationArguments<float>&);

}  // namespace abr::cuda
