#include "kernels/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/optimizer_loops.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/optimizer_record.hpp"

namespace abr {

namespace {

Index chunks_of(Index parameters) {
    return (parameters + kOptimizerChunk - 1) / kOptimizerChunk;
}

}  // namespace

Index optimizer_workspace(Index parameters) {
    return chunks_of(parameters) + kOptimizerConstants;
}

namespace cpu {
namespace {

template <class T>
AdamWConstants<T> constants(const AdamW& adamw, const StepState& state, double norm) {
    AdamWConstants<T> c{};
    c.gradient_scale = static_cast<T>(clip_factor(adamw, norm));
    c.beta1 = static_cast<T>(adamw.beta1);
    c.one_minus_beta1 = static_cast<T>(1 - adamw.beta1);
    c.beta2 = static_cast<T>(adamw.beta2);
    c.one_minus_beta2 = static_cast<T>(1 - adamw.beta2);
    c.inverse_correction2 = static_cast<T>(1 / bias_correction(adamw.beta2, state));
    c.epsilon = static_cast<T>(adamw.epsilon);
    c.ema_decay = static_cast<T>(state.ema_decay);
    c.one_minus_ema_decay = static_cast<T>(1 - state.ema_decay);
    return c;
}

// Elements [begin, end), which may lie in several segments.
template <class T>
void update_range(const AdamW& adamw, const OptimizerStep<T>& a, AdamWConstants<T> c, Index begin,
                  Index end) {
    const double correction1 = bias_correction(adamw.beta1, *a.state);
    const ParameterSegment* segment =
        std::upper_bound(a.segments, a.segments + a.segment_count, begin,
                         [](Index i, const ParameterSegment& s) { return i < s.end; });
    for (Index i = begin; i < end; ++segment) {
        const Index stop = std::min(end, segment->end);
        const double rate = a.state->learning_rate * static_cast<double>(segment->rate_multiplier);
        c.step_size = static_cast<T>(rate / correction1);
        c.keep = static_cast<T>(segment->decay ? 1 - rate * adamw.weight_decay : 1.0);
        const AdamWBuffers<T> buffers{a.value + i, a.gradient + i, a.first_moment + i, a.second_moment + i,
                                      a.ema != nullptr ? a.ema + i : nullptr};
        if (!segment->frozen) adamw_update(c, buffers, stop - i);
        i = stop;
    }
}

}  // namespace

template <class T>
void optimizer_step(Stream& stream, const AdamW& adamw, const OptimizerStep<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    const Index chunks = chunks_of(a.parameters);
    const auto begin = [](Index chunk) { return chunk * kOptimizerChunk; };
    const auto end = [&](Index chunk) { return std::min(a.parameters, (chunk + 1) * kOptimizerChunk); };

    stream.parallel_for(
        chunks, [&](Index i) { a.workspace[i] = sum_of_squares(a.gradient + begin(i), end(i) - begin(i)); });
    double squares = 0;
    for (Index i = 0; i < chunks; ++i) squares += a.workspace[i];

    const double norm = std::sqrt(squares);
    write_record(*a.state, norm, *a.sums, a.records[a.state->record], *a.status);

    if (a.status->bad_step >= 0) {
        stream.parallel_for(chunks,
                            [&](Index i) { std::fill(a.gradient + begin(i), a.gradient + end(i), T{0}); });
        return;
    }
    const AdamWConstants<T> c = constants<T>(adamw, *a.state, norm);
    stream.parallel_for(chunks, [&](Index i) { update_range(adamw, a, c, begin(i), end(i)); });
}

template <class T>
void clear_frozen_gradients(Stream& stream, const ParameterSegment* segments, Index segment_count,
                            T* gradient) {
    const ProfileScope scope(stream.profile(), __func__);
    stream.parallel_for(segment_count, [&](Index i) {
        const ParameterSegment& segment = segments[i];
        if (segment.frozen) std::fill(gradient + segment.begin, gradient + segment.end, T{0});
    });
}

template void optimizer_step(Stream&, const AdamW&, const OptimizerStep<float>&);
template void optimizer_step(Stream&, const AdamW&, const OptimizerStep<double>&);
template void clear_frozen_gradients(Stream&, const ParameterSegment*, Index, float*);
template void clear_frozen_gradients(Stream&, const ParameterSegment*, Index, double*);

}  // namespace cpu
}  // namespace abr
