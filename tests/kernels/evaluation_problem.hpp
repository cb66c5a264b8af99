// What the tests of evaluation share on every backend: predictions for every recording of a split and what is written.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/evaluation.hpp"
#include "tests/kernels/batch_problem.hpp"

namespace abr::test {

inline constexpr Index kClasses = 5;

inline BatchSettings degraded_settings() {
    BatchSettings s = plain_settings();
    s.degradation = {.noise_sd = 0.3f, .probability = 1};
    return s;
}

// Heads with random predictions for every recording of a split, and what evaluation writes.
template <class T>
struct Evaluation {
    const Split& split;
    PerComponent<Scaling> scaling = per_component<Scaling>({{Component::peak_latency, {1.1f, 0.2f}},
                                                            {Component::peak_amplitude, {0.3f, 0.4f}},
                                                            {Component::threshold, {40.0f, 20.0f}}});
    GuardedSequence<T> signal;  // by recording
    GuardedBuffer<T> logits, exist, latency, amplitude, threshold;
    GuardedBuffer<float> out_logits, out_exist, out_latency, out_amplitude, out_threshold, correlation,
        snr_gain, restored;
    GuardedBuffer<std::int64_t> confusion;
    EvaluationSums sums;

    explicit Evaluation(const Split& s)
        : split(s),
          signal(s.rows, s.length + 7, 1, 2),
          logits(s.rows * kClasses),
          exist(s.rows),
          latency(s.rows),
          amplitude(s.rows),
          threshold(s.rows),
          out_logits(s.rows * kClasses),
          out_exist(s.rows),
          out_latency(s.rows),
          out_amplitude(s.rows),
          out_threshold(s.rows),
          correlation(s.rows),
          snr_gain(s.rows),
          restored(s.rows * s.length),
          confusion(kClasses * kClasses) {
        signal.fill_random(11);
        logits.fill_random(12);
        exist.fill_random(13);
        latency.fill_random(14);
        amplitude.fill_random(15);
        threshold.fill_random(16);
        confusion.fill(0);
    }
    // Evaluates recordings `order` as one batch, which the CPU builds for every backend.
    template <class Stream>
    void run_on(Stream& stream, std::vector<std::int32_t> order, BatchMode mode, bool signal_only = false) {
        const auto rows = static_cast<Index>(order.size());
        Split recordings = split;
        Built<T> built = build<T>(split, degraded_settings(), mode, {42, 0, 0, 0}, order);
        GuardedSequence<T> batch_signal(rows, split.length + 7, 1, 1);
        GuardedBuffer<T> batch_logits(rows * kClasses), scalars(4 * rows);
        for (Index b = 0; b < rows; ++b) {
            const Index r = order[static_cast<std::size_t>(b)];
            std::copy_n(signal.view().row(r, 0), split.length, batch_signal.view().row(b, 0));
            std::copy_n(logits.data() + r * kClasses, kClasses, batch_logits.data() + b * kClasses);
            scalars[b] = exist[r];
            scalars[rows + b] = latency[r];
            scalars[2 * rows + b] = amplitude[r];
            scalars[3 * rows + b] = threshold[r];
        }
        GuardedBuffer<double> workspace(evaluation_workspace(rows));
        with_arguments(stream, [&](auto& on) {
            Heads<const T> heads;
            heads.signal = on(batch_signal);
            if (!signal_only) {
                heads.answer = per_component<Matrix<const T>>(
                    {{Component::classification, {on(batch_logits), rows, kClasses}},
                     {Component::peak_exist, {on(scalars), rows, 1}},
                     {Component::peak_latency, {on(scalars) + rows, rows, 1}},
                     {Component::peak_amplitude, {on(scalars) + 2 * rows, rows, 1}},
                     {Component::threshold, {on(scalars) + 3 * rows, rows, 1}}});
            }
            const Predictions predictions{
                .answer = per_component<float*>({{Component::classification, on(out_logits)},
                                                 {Component::peak_exist, on(out_exist)},
                                                 {Component::peak_latency, on(out_latency)},
                                                 {Component::peak_amplitude, on(out_amplitude)},
                                                 {Component::threshold, on(out_threshold)}}),
                .signal_correlation = on(correlation),
                .signal_snr_gain_db = on(snr_gain),
                .restored_uv = on(restored)};
            accumulate_evaluation<T>(stream, {recordings.view(on), on(order), built.view(on), heads, scaling,
                                              kClasses, predictions, on(confusion), on(sums), on(workspace)});
        });
        workspace.check_sentinels();
    }
    void run(const std::vector<std::int32_t>& order, BatchMode mode = BatchMode::validation_degraded,
             int threads = 1, bool signal_only = false) {
        cpu::Stream stream(threads);
        run_on(stream, order, mode, signal_only);
    }
    void check_sentinels() const {
        for (const auto* buffer : outputs()) buffer->check_sentinels();
        confusion.check_sentinels();
    }
    std::vector<const GuardedBuffer<float>*> outputs() const {
        return {&out_logits,    &out_exist,   &out_latency, &out_amplitude,
                &out_threshold, &correlation, &snr_gain,    &restored};
    }
    bool same_bits(const Evaluation& o) const {
        for (std::size_t i = 0; i < outputs().size(); ++i) {
            if (!outputs()[i]->same_bits(*o.outputs()[i])) return false;
        }
        return confusion.same_bits(o.confusion) && std::memcmp(&sums, &o.sums, sizeof sums) == 0;
    }
};

}  // namespace abr::test
