// One row of a batch: its plan, drawn once, and the transforms in their order. Every backend builds its rows with this;
// what differs is the Team, the threads that build a row together:
//
//   each(n, f)       f(i) for i in [0, n); each i is always the same thread's
//   fours(n, f)      f(i) for i = 0, 4, ... below n, by the thread that each() gives i ... i + 3
//   sum(n, value)    of value(i), in a fixed order; every thread gets it
//   alone(n, f)      f(k) for k in [0, n), each by one thread, which sees what all wrote before; afterwards all see
//                    what it wrote; n <= 2
//   is(k)            whether this thread does piece k of what is not shared out
//
// Else a thread sees its own samples only.
#pragma once

#include "kernels/batch.hpp"
#include "kernels/batch/augment.hpp"
#include "kernels/batch/band.hpp"
#include "kernels/batch/degrade.hpp"
#include "kernels/batch/interference.hpp"
#include "kernels/batch/noise_to_noise.hpp"
#include "kernels/batch/standardise.hpp"
#include "kernels/batch/statics.hpp"
#include "kernels/batch/targets.hpp"

namespace abr {

// All that is decided for a row. Without default values: it lies in a block's shared memory.
struct RowPlan {
    Index recording;  // row of the split
    Index target;     // row of the split whose clean signal, or recording, is the target
    Augmentation augmentation;
    Band band;
    Degradation degradation;
    Interference interference;
    StaticsPlan statics;
};

// The plan of the recording at `place` of the step. Part by part, so that a thread never holds the whole of it.
ABR_HOST_DEVICE inline void draw_plan(const DeviceRecordings& recordings, const BatchSettings& settings,
                                      BatchMode mode, const std::int32_t* order, const StepState& state,
                                      Index place, RowPlan& plan) {
    const Index recording = order[state.first + place];
    const RowDraws draws(state, place);
    const bool training = mode == BatchMode::training;
    plan.recording = plan.target = recording;
    if (recordings.clean == nullptr)
        plan.target = draw_target(settings.degradation, recordings.alike, draws, training, recording);
    plan.augmentation = draw_augmentation(settings.augmentation, draws, training);
    plan.band = draw_band(settings, draws, training);
    plan.degradation = draw_degradation(settings.degradation, mode, draws, recording);
    plan.interference = draw_interference(settings, mode, plan.degradation, draws.seed);
    plan.statics = draw_statics(settings, draws, training);
}

// Zeros where row b has no samples: behind the last one and in the padding.
template <class T, class Team>
ABR_DEVICE void clear_surroundings(const Team& team, const Sequence<T>& input, Index length, Index b) {
    T* const x = input.row(b, 0);
    const Index behind = input.length + input.pad - length;
    team.each(input.pad + behind,
              [&](Index i) { x[i < input.pad ? i - input.pad : length + i - input.pad] = 0; });
}

// Every field of row b of the batch.
template <class T, class Team>
ABR_DEVICE void build_row(const Team& team, const DeviceRecordings& recordings, const BatchSettings& settings,
                          const RowPlan& plan, const Batch<T>& batch, Index b) {
    const Index length = recordings.length;
    const float* const signal = recordings.signal + plan.recording * length;
    const float* const clean =
        (recordings.clean != nullptr ? recordings.clean : recordings.signal) + plan.target * length;
    const auto sample = [&](const float* source, Index t) {
        return augmented(plan.augmentation, source, length, t);
    };
    T *const x = batch.input.row(b, 0), *const target = batch.targets.signal.row(b);

    clear_surroundings(team, batch.input, length, b);
    team.each(length, [&](Index t) { x[t] = static_cast<T>(sample(signal, t)); });
    if (plan.band.on) {
        team.each(length, [&](Index t) { target[t] = static_cast<T>(sample(clean, t)); });
        team.alone(2, [&](int k) { apply_band(plan.band, length, k == 0 ? x : target); });
    }
    const RowMoments undegraded = moments(team, length, x);
    const bool drifts = add_drift(team, plan.augmentation, undegraded.sd, length, x);
    const bool noisy = add_noise(team, plan.degradation, undegraded.sd, length, x);
    const bool disturbed =
        add_interference(team, plan.interference, plan.degradation, plan.band, undegraded.sd, length, x);
    RowMoments of_input = drifts || noisy || disturbed ? moments(team, length, x) : undegraded;
    if (of_input.sd < kSmallestSignalSd) of_input.sd = kSmallestSignalSd;
    standardise_signals(
        team, of_input, length, x,
        [&](Index t) { return plan.band.on ? static_cast<double>(target[t]) : sample(clean, t); }, target);

    if (team.is(0)) {
        batch.mean[b] = static_cast<T>(of_input.mean);
        batch.sd[b] = static_cast<T>(of_input.sd);
        write_statics(recordings.statics + plan.recording * kStoredStatics, settings, plan.statics, of_input,
                      batch.statics.row(b));
    }
    if (team.is(1)) write_targets(recordings, settings, plan.augmentation, plan.recording, batch.targets, b);
}

}  // namespace abr
