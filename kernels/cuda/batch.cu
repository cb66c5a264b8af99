// gather_batch of kernels/batch.hpp: a block builds one row. A thread keeps to its own samples, in fours, those of one
// Philox block, so that the row's input can be worked on in place: only the sums cross threads.
#include "kernels/batch.hpp"

#include "kernels/batch/row.hpp"
#include "kernels/batch_checks.hpp"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/reduce.cuh"

namespace abr::cuda {
namespace {

constexpr int kThreads = 64;

// The team of kernels/batch/row.hpp.
struct Block {
    template <class F>
    __device__ void fours(Index n, const F& f) const {
        for (Index i = 4 * threadIdx.x; i < n; i += 4 * kThreads) f(i);
    }
    template <class F>
    __device__ void each(Index n, const F& f) const {
        fours(n, [&](Index first) {
            for (Index i = first; i < first + 4; ++i)
                if (i < n) f(i);
        });
    }
    template <class Value>
    __device__ double sum(Index n, const Value& value) const {
        double sum = 0;
        each(n, [&](Index i) { sum += value(i); });
        return block_sum<kThreads>(sum);
    }
    template <class F>
    __device__ void alone(int n, const F& f) const {
        static_assert(kThreads >= 2 * kWarpSize);
        __syncthreads();
        if (lane_index() == 0 && warp_index() < n) f(warp_index());
        __syncthreads();
    }
    __device__ bool is(int piece) const { return static_cast<int>(threadIdx.x) == piece * kWarpSize; }
};

__global__ void __launch_bounds__(kThreads)
    gather_batch_kernel(DeviceRecordings recordings, BatchSettings settings, BatchMode mode,
                        const std::int32_t* order, const StepState* state, Index place, Batch<float> batch) {
    DEVICE_SHARED(plan, RowPlan);
    const Index b = blockIdx.x;
    if (threadIdx.x == 0) draw_plan(recordings, settings, mode, order, *state, place + b, plan);
    __syncthreads();
    build_row(Block{}, recordings, settings, plan, batch, b);
}

}  // namespace

template <class T>
void gather_batch(Stream& stream, const DeviceRecordings& recordings, const BatchSettings& settings,
                  BatchMode mode, const std::int32_t* order, const StepState* state, Index place,
                  const Batch<T>& batch) {
    const ProfileScope scope(stream, __func__);
    check_batch(__func__, recordings, batch);
    launch(gather_batch_kernel, batch.input.batch, kThreads, 0, stream, recordings, settings, mode, order,
           state, place, batch);
}

template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, const StepState*, Index, const Batch<float>&);

}  // namespace abr::cuda
