// A split of recordings and the batches built from it, for the tests of gather_batch and of evaluation.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "kernels/batch.hpp"
#include "kernels/philox.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// A split of random recordings, each with its own offset and scale; targets missing here and there; threes are alike.
struct Split {
    Index rows, length;
    std::vector<float> signal, clean, statics, latency, amplitude, threshold;
    std::vector<std::int32_t> label, exist, alike_order, alike_first, alike_count;

    explicit Split(Index n, Index T = 25) : rows(n), length(T) {
        for (Index r = 0; r < n; ++r) {
            const double offset = 3 * random_value(1, r), scale = 0.2 + 0.1 * static_cast<double>(r % 5);
            for (Index t = 0; t < T; ++t) {
                const double wave = std::sin(0.4 * static_cast<double>(t + r));
                clean.push_back(static_cast<float>(scale * wave));
                signal.push_back(static_cast<float>(offset + scale * (wave + random_value(2, r * T + t))));
            }
            for (int s = 0; s < kStoredStatics; ++s) {
                statics.push_back(static_cast<float>(random_value(3, r * kStoredStatics + s)));
            }
            label.push_back(static_cast<std::int32_t>(r % 6) - 1);
            exist.push_back(r % 4 == 3 ? -1 : static_cast<std::int32_t>(r % 4 != 0));
            latency.push_back(r % 4 == 1 || r % 4 == 2 ? static_cast<float>(1.2 + 0.1 * random_value(4, r))
                                                       : kNaN);
            amplitude.push_back(r % 4 == 1 ? static_cast<float>(0.4 + 0.3 * random_value(5, r)) : kNaN);
            threshold.push_back(r % 3 == 0 ? kNaN : static_cast<float>(10 * (r % 9)));
            alike_order.push_back(static_cast<std::int32_t>(r));
            alike_first.push_back(static_cast<std::int32_t>(r / 3 * 3));
            alike_count.push_back(static_cast<std::int32_t>(std::min<Index>(3, n - r / 3 * 3)));
        }
    }
    template <class On>
    DeviceRecordings view(On& on, bool with_clean = true) {
        return {.rows = rows,
                .length = length,
                .signal = on(signal),
                .clean = with_clean ? on(clean) : nullptr,
                .alike = {on(alike_order), on(alike_first), on(alike_count)},
                .statics = on(statics),
                .label = per_component<const std::int32_t*>(
                    {{Component::classification, on(label)}, {Component::peak_exist, on(exist)}}),
                .scalar = per_component<const float*>({{Component::peak_latency, on(latency)},
                                                       {Component::peak_amplitude, on(amplitude)},
                                                       {Component::threshold, on(threshold)}})};
    }
    double sd(Index r) const {
        const float* x = signal.data() + r * length;
        long double sum = 0, squares = 0;
        for (Index t = 0; t < length; ++t) sum += x[t];
        const long double mean = sum / static_cast<long double>(length);
        for (Index t = 0; t < length; ++t) squares += (x[t] - mean) * (x[t] - mean);
        return static_cast<double>(std::sqrt(squares / static_cast<long double>(length)));
    }
};

inline BatchSettings plain_settings() {
    BatchSettings s;
    s.sample_interval_ms = 0.1;
    s.signal_mean = {0.5f, 2.0f};
    s.signal_log_sd = {-1.0f, 4.0f};
    s.target[Component::peak_latency] = {1.1f, 5.0f};
    s.target[Component::peak_amplitude] = {0.3f, 3.0f};
    s.target[Component::threshold] = {40.0f, 0.05f};
    return s;
}

inline BatchSettings everything_on() {
    BatchSettings s = plain_settings();
    s.static_sd = {1, 2, 3, 4};
    s.augmentation = {.probability = 0.7f,
                      .shift_samples = 3,
                      .scale_low = 0.9f,
                      .scale_high = 1.1f,
                      .drift_sd = 0.2f,
                      .band_probability = 0.6f,
                      .static_noise_sd = 0.1f,
                      .static_dropout = 0.3f};
    s.degradation = {.noise_sd = 0.3f,
                     .probability = 0.6f,
                     .coloured_sd = {0.1f, 2},
                     .mains_sd = {0.05f, 0.5f},
                     .noise_to_noise = true};
    return s;
}

template <class T>
struct Built {
    GuardedSequence<T> input;
    GuardedBuffer<T> statics, clean, latency, amplitude, threshold, first_share, mean, sd;
    GuardedBuffer<std::int32_t> label, exist;
    Index rows, length;

    Built(Index n, Index T_, Index padded, Index pad)
        : input(n, padded, 1, pad),
          statics(n * kStaticInputs),
          clean(n * T_),
          latency(n),
          amplitude(n),
          threshold(n),
          first_share(n),
          mean(n),
          sd(n),
          label(n),
          exist(n),
          rows(n),
          length(T_) {}

    template <class On>
    Batch<T> view(On& on) {
        return {on(input),
                {on(statics), rows, kStaticInputs},
                {.signal = {on(clean), rows, length},
                 .label = per_component<std::int32_t*>(
                     {{Component::classification, on(label)}, {Component::peak_exist, on(exist)}}),
                 .scalar = per_component<T*>({{Component::peak_latency, on(latency)},
                                              {Component::peak_amplitude, on(amplitude)},
                                              {Component::threshold, on(threshold)}}),
                 .first_share = on(first_share)},
                on(mean),
                on(sd)};
    }
    const T* signal(Index b) const { return input.view().row(b, 0); }
    bool same_bits(const Built& o) const {
        return input.buffer().same_bits(o.input.buffer()) && statics.same_bits(o.statics) &&
               clean.same_bits(o.clean) && latency.same_bits(o.latency) && amplitude.same_bits(o.amplitude) &&
               threshold.same_bits(o.threshold) && first_share.same_bits(o.first_share) &&
               mean.same_bits(o.mean) && sd.same_bits(o.sd) && label.same_bits(o.label) &&
               exist.same_bits(o.exist);
    }
    void check_sentinels() const {
        for (const auto* buffer :
             {&input.buffer(), &statics, &clean, &latency, &amplitude, &threshold, &first_share, &mean, &sd})
            buffer->check_sentinels();
        label.check_sentinels();
        exist.check_sentinels();
    }
    // The degraded recording and its target in uV.
    double input_uv(Index b, Index t) const { return static_cast<double>(signal(b)[t]) * sd[b] + mean[b]; }
    double clean_uv(Index b, Index t) const {
        return static_cast<double>(clean[b * length + t]) * sd[b] + mean[b];
    }
};

inline std::vector<std::int32_t> in_order(Index n) {
    std::vector<std::int32_t> order;
    for (Index i = 0; i < n; ++i) order.push_back(static_cast<std::int32_t>(i));
    return order;
}

// The recordings `order` (all where empty), from place `place` of the step on, as one batch.
template <class T, class Stream>
Built<T> build_on(Stream& stream, Split split, const BatchSettings& settings, BatchMode mode,
                  StepState state = {}, std::vector<std::int32_t> order = {}, bool with_clean = true,
                  Index place = 0) {
    if (order.empty()) order = in_order(split.rows);
    const Index rows = static_cast<Index>(order.size()) - state.first - place;
    Built<T> built(rows, split.length, split.length + 7, 2);
    with_arguments(stream, [&](auto& on) {
        gather_batch<T>(stream, split.view(on, with_clean), settings, mode, on(order), on(state), place,
                        built.view(on));
    });
    return built;
}
template <class T = double>
Built<T> build(const Split& split, const BatchSettings& settings, BatchMode mode, StepState state = {},
               std::vector<std::int32_t> order = {}, bool with_clean = true, Index place = 0,
               int threads = 1) {
    cpu::Stream stream(threads);
    return build_on<T>(stream, split, settings, mode, state, std::move(order), with_clean, place);
}

// The block of a purpose for the recording at `place`, as the header states it.
inline Random4 block(const StepState& p, Purpose purpose, std::uint32_t place, std::uint32_t j) {
    return philox4x32(stream_key(p.seed, purpose), j, place, static_cast<std::uint32_t>(p.step), p.epoch);
}
inline Index expected_shift(const StepState& p, std::uint32_t place, Index largest) {
    const std::uint64_t word = block(p, Purpose::augment_decision, place, 0)[1];
    return static_cast<Index>(word * static_cast<std::uint64_t>(2 * largest + 1) >> 32) - largest;
}

inline constexpr StepState kState{.seed = 42, .step = 77, .epoch = 3};

}  // namespace abr::test
