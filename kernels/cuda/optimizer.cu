// The step of kernels/optimizer.hpp in three launches: sums of squares of chunks, the record with the norm and the
// constants of the update, the update. The update is bound by memory: 9 accesses of 4 bytes an element, 11 with
// EMA.
#include "kernels/optimizer.hpp"

#include <cmath>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/four.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/optimizer_record.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = 256;

// The elements [at, at + count) of a thread, count 0 to 4.
struct Quad {
    Index at;
    int count;
    bool vector;  // all four, in 16 aligned bytes

    __device__ Quad(Index first, Index end, bool aligned) : at(first) {
        const Index left = end - first;
        count = left < 0 ? 0 : left > 4 ? 4 : static_cast<int>(left);
        vector = aligned && count == 4;
    }
    __device__ float4 load(const float* p) const {
        return vector ? load_four<true>(p + at, 4) : load_four<false>(p + at, count);
    }
    __device__ void store(float* p, float4 v) const {
        if (vector)
            store_four<true>(p + at, 4, v);
        else
            store_four<false>(p + at, count, v);
    }
};

__device__ inline double square(float x) {
    return static_cast<double>(x) * static_cast<double>(x);
}

// partial[block] = sum of squares of the block's chunk.
__global__ void __launch_bounds__(kThreads)
    sum_of_squares_kernel(const float* gradient, Index parameters, bool aligned, double* partial) {
    const Index begin = blockIdx.x * kOptimizerChunk;
    const Index end = parameters - begin < kOptimizerChunk ? parameters : begin + kOptimizerChunk;
    double sum = 0;
    for (Index i = begin + 4 * threadIdx.x; i < end; i += 4 * kThreads) {
        const float4 g = Quad(i, end, aligned).load(gradient);
        sum += (square(g.x) + square(g.y)) + (square(g.z) + square(g.w));
    }
    sum = block_sum<kThreads>(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// What the update needs of a step; the rates still lack the segment's multiplier.
struct UpdateConstants {
    float gradient_scale;  // of clipping
    float beta1, one_minus_beta1;
    float beta2, one_minus_beta2;
    float inverse_correction2;  // 1 / (1 - beta2^t)
    float epsilon;
    float ema_decay, one_minus_ema_decay;
    double step_size;  // rate / (1 - beta1^t)
    double decay;      // rate * weight decay

    __device__ UpdateConstants(const AdamW& adamw, const StepState& state, double norm)
        : gradient_scale(static_cast<float>(clip_factor(adamw, norm))),
          beta1(static_cast<float>(adamw.beta1)),
          one_minus_beta1(static_cast<float>(1 - adamw.beta1)),
          beta2(static_cast<float>(adamw.beta2)),
          one_minus_beta2(static_cast<float>(1 - adamw.beta2)),
          inverse_correction2(static_cast<float>(1 / bias_correction(adamw.beta2, state))),
          epsilon(static_cast<float>(adamw.epsilon)),
          ema_decay(static_cast<float>(state.ema_decay)),
          one_minus_ema_decay(static_cast<float>(1 - state.ema_decay)),
          step_size(state.learning_rate / bias_correction(adamw.beta1, state)),
          decay(state.learning_rate * adamw.weight_decay) {}
};
static_assert(sizeof(UpdateConstants) <= kOptimizerConstants * sizeof(double));

// One block. Sums `chunks` partial sums, writes the record and leaves the constants behind the sums.
__global__ void __launch_bounds__(kThreads)
    step_record_kernel(AdamW adamw, const StepState* state, Index chunks, LossSums* sums, StepRecord* records,
                       StepStatus* status, const double* partial, UpdateConstants* constants) {
    double squares = 0;
    for (Index i = threadIdx.x; i < chunks; i += kThreads) squares += partial[i];
    squares = block_sum<kThreads>(squares);
    if (threadIdx.x != 0) return;
    const double norm = std::sqrt(squares);
    write_record(*state, norm, *sums, records[state->record], *status);
    *constants = UpdateConstants(adamw, *state, norm);
}

// The segments in order, from the one of a first element on.
class SegmentRates {
  public:
    __device__ SegmentRates(const UpdateConstants& constants, const ParameterSegment* segments, Index count,
                            Index element)
        : constants_(constants) {
        Index below = 0, above = count;  // the first segment that ends behind the element
        while (below < above) {
            const Index middle = (below + above) / 2;
            if (segments[middle].end <= element)
                below = middle + 1;
            else
                above = middle;
        }
        segment_ = segments + below;
        read();
    }
    // Goes on to the segment of `element`, which may not lie before.
    __device__ void move_to(Index element) {
        if (element < end_) return;
        while (segment_->end <= element) ++segment_;
        read();
    }
    float step_size, keep;
    bool frozen;

  private:
    __device__ void read() {
        const auto multiplier = static_cast<double>(segment_->rate_multiplier);
        end_ = segment_->end;
        frozen = segment_->frozen;
        step_size = static_cast<float>(constants_.step_size * multiplier);
        keep = segment_->decay ? static_cast<float>(1 - constants_.decay * multiplier) : 1.0f;
    }
    const UpdateConstants& constants_;
    const ParameterSegment* segment_;
    Index end_;
};

// One element; p, m, v and ema are replaced.
__device__ inline void update(const UpdateConstants& c, const SegmentRates& rates, float g, float& p,
                              float& m, float& v, float& ema) {
    if (rates.frozen) return;
    m = c.beta1 * m + c.one_minus_beta1 * g;
    v = c.beta2 * v + c.one_minus_beta2 * (g * g);
    p = rates.keep * p - rates.step_size * m / (std::sqrt(v * c.inverse_correction2) + c.epsilon);
    ema = c.ema_decay * ema + c.one_minus_ema_decay * p;
}

// A thread takes four elements.
__global__ void __launch_bounds__(kThreads)
    update_kernel(const UpdateConstants* of_step, Index parameters, float* value, float* gradient,
                  float* first_moment, float* second_moment, float* ema, const ParameterSegment* segments,
                  Index segment_count, const StepStatus* status, bool aligned) {
    const Quad quad(4 * (static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x), parameters, aligned);
    if (quad.count == 0) return;
    const float4 zero = make_float4(0, 0, 0, 0);
    if (status->bad_step >= 0) {
        quad.store(gradient, zero);
        return;
    }
    const UpdateConstants constants = *of_step;
    const float scale = constants.gradient_scale;
    const float4 g = quad.load(gradient);
    float4 p = quad.load(value), m = quad.load(first_moment), v = quad.load(second_moment);
    float4 average = ema != nullptr ? quad.load(ema) : zero;
    SegmentRates rates(constants, segments, segment_count, quad.at);
    update(constants, rates, scale * g.x, p.x, m.x, v.x, average.x);
    if (quad.count > 1) {
        rates.move_to(quad.at + 1);
        update(constants, rates, scale * g.y, p.y, m.y, v.y, average.y);
    }
    if (quad.count > 2) {
        rates.move_to(quad.at + 2);
        update(constants, rates, scale * g.z, p.z, m.z, v.z, average.z);
    }
    if (quad.count > 3) {
        rates.move_to(quad.at + 3);
        update(constants, rates, scale * g.w, p.w, m.w, v.w, average.w);
    }
    quad.store(value, p);
    quad.store(first_moment, m);
    quad.store(second_moment, v);
    quad.store(gradient, zero);
    if (ema != nullptr) quad.store(ema, average);
}

// One block a segment.
__global__ void __launch_bounds__(kThreads)
    clear_frozen_kernel(const ParameterSegment* segments, float* gradient) {
    const ParameterSegment& segment = segments[blockIdx.x];
    if (!segment.frozen) return;
    for (Index i = segment.begin + threadIdx.x; i < segment.end; i += kThreads) gradient[i] = 0;
}

}  // namespace

template <class T>
void optimizer_step(Stream& stream, const AdamW& adamw, const OptimizerStep<T>& a) {
    const ProfileScope scope(stream, __func__);
    const auto fits = [](const T* buffer) { return is_aligned(buffer, 16); };
    const bool aligned =
        fits(a.value) && fits(a.gradient) && fits(a.first_moment) && fits(a.second_moment) && fits(a.ema);
    const Index chunks = divide_up(a.parameters, kOptimizerChunk);
    auto* const constants = reinterpret_cast<UpdateConstants*>(a.workspace + chunks);
    launch(sum_of_squares_kernel, chunks, kThreads, 0, stream, a.gradient, a.parameters, aligned,
           a.workspace);
    launch(step_record_kernel, 1, kThreads, 0, stream, adamw, a.state, chunks, a.sums, a.records, a.status,
           a.workspace, constants);
    launch(update_kernel, divide_up(a.parameters, 4 * kThreads), kThreads, 0, stream, constants, a.parameters,
           a.value, a.gradient, a.first_moment, a.second_moment, a.ema, a.segments, a.segment_count, a.status,
           aligned);
}

template <class T>
void clear_frozen_gradients(Stream& stream, const ParameterSegment* segments, Index segment_count,
                            T* gradient) {
    const ProfileScope scope(stream, __func__);
    launch(clear_frozen_kernel, segment_count, kThreads, 0, stream, segments, gradient);
}

template void optimizer_step(Stream&, const AdamW&, const OptimizerStep<float>&);
template void clear_frozen_gradients(Stream&, const ParameterSegment*, Index, float*);

}  // namespace abr::cuda
