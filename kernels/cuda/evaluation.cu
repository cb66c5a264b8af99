// The evaluation of kernels/evaluation.hpp in two launches. In the first a block takes a recording: its predictions, its
// signal metrics and, by atomic additions of integers, its counts. The second adds the sums recording by recording.
#include "kernels/evaluation.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "kernels/batch_checks.hpp"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/evaluation_terms.hpp"

namespace abr::cuda {
namespace {

constexpr int kPredictionThreads = 64;
// A warp for each scalar task and one for the signal, and rows in shared memory at a time.
constexpr int kSumThreads = kWarpSize * (static_cast<int>(kScalarTasks) + 1);

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
                static_cast<float>(physical(heads.signal.row(b, t)[0], {a.batch.mean[b], a.batch.sd[b]}));
    }
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        constexpr TaskKind kKind = task_of(c).kind;
        const Matrix<const float>& head = heads.answer[c];
        if (kKind == TaskKind::signal || head.data == nullptr) return;
        const float* answer = head.row(b);
        float* const written = out.answer[c];
        if constexpr (kKind == TaskKind::scalar) {
            if (threadIdx.x == 0 && written != nullptr)
                written[r] = static_cast<float>(physical(*answer, a.scaling[c]));
        } else {
            for (Index k = threadIdx.x; written != nullptr && k < head.columns; k += kPredictionThreads)
                written[r * head.columns + k] = answer[k];
            const std::int32_t label = a.batch.targets.label[c][b];
            if (threadIdx.x != 0 || label < 0) return;
            if constexpr (kKind == TaskKind::binary)
                count(count_of(a.sums->binary[c], *answer > 0.0f, label == 1));
            else
                count(a.confusion[label * a.classes + predicted_class(answer, a.classes)]);
        }
    });
}

// Recording r's prediction of a scalar task and its target, both in its unit; NaN where it does not count.
struct ScalarPair {
    double prediction;
    float target;
};

template <Component c>
__device__ ScalarPair scalar_pair(const EvaluationArguments<float>& a, Index b) {
    const Matrix<const float>& head = a.heads.answer[c];
    if (head.data == nullptr || std::isnan(a.batch.targets.scalar[c][b]))
        return {0.0, std::numeric_limits<float>::quiet_NaN()};
    return {physical(head.data[b], a.scaling[c]), a.recordings.scalar[c][a.order[b]]};
}

// One block: a scalar task's warp adds with its first thread, that of the last warp the signal's squared errors.
__global__ void __launch_bounds__(kSumThreads) add_evaluation_kernel(EvaluationArguments<float> a) {
    DEVICE_SHARED(prediction, double[kScalarTasks][kSumThreads]);
    DEVICE_SHARED(target, float[kScalarTasks][kSumThreads]);
    DEVICE_SHARED(squared_error, double[kSumThreads]);
    const Index batch = a.batch.input.batch;
    const bool has_signal = a.heads.signal.data != nullptr;
    const auto thread = static_cast<int>(threadIdx.x);
    const int number = warp_index();
    const bool adds = lane_index() == 0;

    RegressionSums* destination = nullptr;
    [&]<std::size_t... i>(std::index_sequence<i...>) {
        ((number == static_cast<int>(i) ? void(destination = &a.sums->scalar[kScalars[i]]) : void()), ...);
    }
    (std::make_index_sequence<kScalarTasks>{});
    RegressionSums sums;
    if (adds && destination != nullptr) sums = *destination;
    double errors = has_signal ? a.sums->signal_squared_error : 0.0;

    for (Index first = 0; first < batch; first += kSumThreads) {
        const Index b = first + thread;
        __syncthreads();  // the last rows have been read
        if (b < batch) {
            [&]<std::size_t... i>(std::index_sequence<i...>) {
                const ScalarPair pairs[] = {scalar_pair<kScalars[i]>(a, b)...};
                ((prediction[i][thread] = pairs[i].prediction, target[i][thread] = pairs[i].target), ...);
            }
            (std::make_index_sequence<kScalarTasks>{});
            squared_error[thread] = has_signal ? a.workspace[b] : 0.0;
        }
        __syncthreads();
        const auto rows = static_cast<int>(batch - first < kSumThreads ? batch - first : kSumThreads);
        if (!adds) continue;
        if (destination != nullptr) {
            for (int row = 0; row < rows; ++row)
                if (!std::isnan(target[number][row]))
                    add(sums, prediction[number][row], static_cast<double>(target[number][row]));
        } else {
            for (int row = 0; row < rows; ++row) errors += squared_error[row];
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
    check_evaluation(__func__, a);
    const Index batch = a.batch.input.batch;
    launch(predictions_kernel, batch, kPredictionThreads, 0, stream, a);
    launch(add_evaluation_kernel, 1, kSumThreads, 0, stream, a);
}

template void accumulate_evaluation(Stream&, const EvaluationArguments<float>&);

}  // namespace abr::cuda
