// The loss of kernels/loss.hpp: one launch writes every gradient and each recording's terms, a second adds the terms row
// by row, as the contract asks. A block takes a recording: all its threads the signal, one of each warp a scalar head.
#include "kernels/loss.hpp"

#include <cmath>

#include "kernels/batch_checks.hpp"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/term_sums.hpp"
#include "kernels/loss_terms.hpp"

namespace abr::cuda {
namespace {

constexpr int kTermThreads = kWarpSize * (kTaskCount - 1);  // a warp for each task but the signal
constexpr int kSumThreads = 128;  // and rows in shared memory at a time, where weights go row by row

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

// Members of `gradients` are null where none is wanted; then weights are not read. One block a multiprocessor is promised
// and no more: else the compiler spares registers, and spills.
__global__ void __launch_bounds__(kTermThreads, 1)
    loss_terms_kernel(LossSettings settings, Heads<const float> heads, Targets<float> targets,
                      const float* class_weights, const PerComponent<double>* weights, const LossSums* sums,
                      Heads<float> gradients, double* terms) {
    const Index b = blockIdx.x;
    const auto scale = [&](Component c, const float* gradient) {
        return gradient != nullptr ? gradient_scale((*weights)[c], sums->denominator[c]) : 0.0;
    };
    double* row = terms + b * static_cast<Index>(kComponents);
    int warp = 0;  // of the next task
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        if constexpr (task_of(c).kind == TaskKind::signal) {
            double sum = 0;
            if (heads.signal.data != nullptr)
                sum = signal_terms(settings.distance[c], heads.signal, targets.signal, b,
                                   scale(c, gradients.signal.data), gradients.signal);
            sum = block_sum<kTermThreads>(sum);
            if (threadIdx.x == 0) row[static_cast<int>(c)] = sum;
        } else if constexpr (!is_task(c)) {
            if (threadIdx.x == 0) row[static_cast<int>(c)] = 0;
        } else if (warp_index() == warp++ && lane_index() == 0) {
            row[static_cast<int>(c)] = task_term<c>(settings, heads, targets, class_weights, b,
                                                    scale(c, gradients.answer[c].data), gradients);
        }
    });
}

// One block. Counts are whole numbers, exact in any order; class weights go row by row.
__global__ void __launch_bounds__(kSumThreads)
    loss_denominators_kernel(const float* class_weights, Targets<float> targets, LossSums* sums) {
    DEVICE_SHARED(tile, double[kSumThreads]);
    const Index batch = targets.signal.rows;
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        constexpr TaskKind kKind = task_of(c).kind;
        double& total = sums->denominator[c];
        if constexpr (kKind == TaskKind::signal) {
            if (threadIdx.x == 0) total += static_cast<double>(targets.signal.size());
        } else if constexpr (kKind == TaskKind::classes) {
            double weight = total;
            for (Index first = 0; first < batch; first += kSumThreads) {
                const Index b = first + threadIdx.x;
                __syncthreads();  // the last tile has been read
                if (b < batch) tile[threadIdx.x] = task_denominator<c>(targets, class_weights, b);
                __syncthreads();
                const Index rows = batch - first < kSumThreads ? batch - first : kSumThreads;
                if (threadIdx.x == 0)
                    for (Index r = 0; r < rows; ++r) weight += tile[r];
            }
            if (threadIdx.x == 0) total = weight;
        } else {
            double labelled = 0;
            for (Index b = threadIdx.x; b < batch; b += kSumThreads)
                labelled += task_denominator<c>(targets, class_weights, b);
            labelled = block_sum<kSumThreads>(labelled);
            if (threadIdx.x == 0) total += labelled;
        }
    });
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
    check_loss(__func__, settings, a);
    const Index batch = a.targets.signal.rows;
    launch(loss_terms_kernel, batch, kTermThreads, 0, stream, settings, a.heads, a.targets, a.class_weights,
           a.weights, a.sums, a.gradients != nullptr ? *a.gradients : Heads<T>{}, a.workspace);
    static_assert(kComponents <= kMostTermColumns);
    add_terms(stream, a.workspace, batch, static_cast<int>(kComponents), a.sums->numerator.values.data());
}

template void loss_denominators(Stream&, const float*, const Targets<float>&, LossSums*);
template void multi_task_loss(Stream&, const LossSettings&, const LossArguments<float>&);

}  // namespace abr::cuda
