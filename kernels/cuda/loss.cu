// The loss of kernels/loss.hpp: one launch writes every gradient and each recording's terms, a second adds the terms row
// by row, as the contract asks. A block takes a recording: all its threads the signal, one of each warp a scalar head.
#include "kernels/loss.hpp"

#include <cmath>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/loss_terms.hpp"

namespace abr::cuda {
namespace {

constexpr int kTermThreads = kWarpSize * (kComponents - 1);  // a warp for each component but the signal
constexpr int kSumThreads = 128;  // and rows in shared memory at a time, where sums go row by row

// Sum of the signal's terms over this thread's samples of recording b; its share of the gradient written.
__device__ double signal_terms(const DistanceLoss& loss, const Sequence<const float>& prediction,
                               const Matrix<float>& target, Index b, double scale,
                               const Sequence<float>& gradient) {
    const float* restored = prediction.row(b, 0);
    const float* wanted = target.row(b);
    double sum = 0;
    for (Index t = threadIdx.x; t < target.columns; t += kTermThreads) {
        const LossTerm term =
            distance(loss, static_cast<double>(restored[t]) - static_cast<double>(wanted[t]));
        sum += term.value;
        if (gradient.data != nullptr)
            gradient.row(b, 0)[t] = scale == 0 ? 0.0f : static_cast<float>(scale * term.slope);
    }
    if (gradient.data == nullptr) return sum;
    for (Index t = threadIdx.x - gradient.pad; t < gradient.length + gradient.pad; t += kTermThreads)
        if (t < 0 || t >= target.columns) gradient.row(b, t)[0] = 0;
    return sum;
}

// Members of `gradients` are null where none is wanted; then weights are not read.
__global__ void __launch_bounds__(kTermThreads)
    loss_terms_kernel(LossSettings settings, Heads<const float> heads, Targets<float> targets,
                      const float* class_weights, const PerComponent<double>* weights, const LossSums* sums,
                      Heads<float> gradients, double* terms) {
    using enum Component;
    const Index b = blockIdx.x;
    const auto scale = [&](Component c, const float* gradient) {
        return gradient != nullptr ? gradient_scale((*weights)[c], sums->denominator[c]) : 0.0;
    };
    double* row = terms + b * static_cast<Index>(kComponents);

    double sum = 0;
    if (heads.signal.data != nullptr)
        sum = signal_terms(settings.signal, heads.signal, targets.signal, b,
                           scale(signal, gradients.signal.data), gradients.signal);
    sum = block_sum<kTermThreads>(sum);
    if (threadIdx.x == 0) row[static_cast<int>(signal)] = sum;

    if (lane_index() != 0) return;
    const int component = warp_index() + 1;
    double term = 0;
    const auto regression = [&](const DistanceLoss& loss, const float* head, const float* target,
                                float* gradient, Component c) {
        return regression_term(loss, head, target, b, scale(c, gradient), gradient);
    };
    switch (static_cast<Component>(component)) {
        case signal:
            break;
        case peak_exist:
            term = existence_term(settings, heads.exist, targets.exist, b, scale(peak_exist, gradients.exist),
                                  gradients.exist);
            break;
        case peak_latency:
            term = regression(settings.peak_latency, heads.latency, targets.latency, gradients.latency,
                              peak_latency);
            break;
        case peak_amplitude:
            term = regression(settings.peak_amplitude, heads.amplitude, targets.amplitude,
                              gradients.amplitude, peak_amplitude);
            break;
        case classification:
            term = classification_term(settings, heads.logits, targets.label, class_weights, b,
                                       scale(classification, gradients.logits.data), gradients.logits);
            break;
        case threshold:
            term = regression(settings.threshold, heads.threshold, targets.threshold, gradients.threshold,
                              threshold);
            break;
    }
    row[component] = term;
}

// One block; a thread for each component adds the rows.
__global__ void __launch_bounds__(kSumThreads)
    add_terms_kernel(const double* terms, Index batch, LossSums* sums) {
    constexpr auto kColumns = static_cast<int>(kComponents);
    DEVICE_SHARED(tile, double[kSumThreads * kColumns]);
    const auto c = static_cast<int>(threadIdx.x);
    double sum = c < kColumns ? sums->numerator[static_cast<std::size_t>(c)] : 0.0;
    for (Index first = 0; first < batch; first += kSumThreads) {
        const auto rows = static_cast<int>(batch - first < kSumThreads ? batch - first : kSumThreads);
        __syncthreads();  // the last tile has been read
        for (int i = c; i < rows * kColumns; i += kSumThreads) tile[i] = terms[first * kColumns + i];
        __syncthreads();
        if (c < kColumns)
            for (int r = 0; r < rows; ++r) sum += tile[r * kColumns + c];
    }
    if (c < kColumns) sums->numerator[static_cast<std::size_t>(c)] = sum;
}

// One block. Counts are whole numbers, exact in any order; class weights go row by row.
__global__ void __launch_bounds__(kSumThreads)
    loss_denominators_kernel(const float* class_weights, Targets<float> targets, LossSums* sums) {
    using enum Component;
    DEVICE_SHARED(tile, float[kSumThreads]);
    PerComponent<double>& count = sums->denominator;
    const Index batch = targets.signal.rows;
    int exist = 0, latency = 0, amplitude = 0, thresholds = 0;
    double weight = count[classification];
    for (Index first = 0; first < batch; first += kSumThreads) {
        const Index b = first + threadIdx.x;
        __syncthreads();  // the last tile has been read
        if (b < batch) {
            exist += targets.exist[b] >= 0;
            latency += !std::isnan(targets.latency[b]);
            amplitude += !std::isnan(targets.amplitude[b]);
            thresholds += !std::isnan(targets.threshold[b]);
            tile[threadIdx.x] = targets.label[b] >= 0 ? class_weights[targets.label[b]] : 0.0f;
        }
        __syncthreads();
        const Index rows = batch - first < kSumThreads ? batch - first : kSumThreads;
        if (threadIdx.x == 0)
            for (Index r = 0; r < rows; ++r) weight += static_cast<double>(tile[r]);
    }
    exist = block_sum<kSumThreads>(exist);
    latency = block_sum<kSumThreads>(latency);
    amplitude = block_sum<kSumThreads>(amplitude);
    thresholds = block_sum<kSumThreads>(thresholds);
    if (threadIdx.x != 0) return;
    count[signal] += static_cast<double>(targets.signal.size());
    count[peak_exist] += exist;
    count[peak_latency] += latency;
    count[peak_amplitude] += amplitude;
    count[classification] = weight;
    count[threshold] += thresholds;
}

}  // namespace

template <class T>
void loss_denominators(Stream& stream, const T* class_weights, const Targets<T>& targets, LossSums* sums) {
    const ProfileScope scope(stream, __func__);
    launch(loss_denominators_kernel, 1, kSumThreads, 0, stream, class_weights, targets, sums);
}

template <class T>
void multi_task_loss(Stream& stream, const LossSettings& settings, const LossArguments<T>& a) {
    const ProfileScope scope(stream, __func__);
    const Index batch = a.targets.signal.rows;
    launch(loss_terms_kernel, batch, kTermThreads, 0, stream, settings, a.heads, a.targets, a.class_weights,
           a.weights, a.sums, a.gradients != nullptr ? *a.gradients : Heads<T>{}, a.workspace);
    launch(add_terms_kernel, 1, kSumThreads, 0, stream, a.workspace, batch, a.sums);
}

template void loss_denominators(Stream&, const float*, const Targets<float>&, LossSums*);
template void multi_task_loss(Stream&, const LossSettings&, const LossArguments<float>&);

}  // namespace abr::cuda
