// What the tests of the optimiser share on every backend: one problem's buffers and the update as written out.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/optimizer.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

inline AdamW usual_adamw() {
    AdamW adamw;
    adamw.weight_decay = 0.1;
    adamw.gradient_clip = 1;
    return adamw;
}

// Three segments: decay, none, decay at another rate; their borders fall inside vectors and chunks.
template <class T>
struct Optimisation {
    Index size;
    std::vector<ParameterSegment> segments;
    GuardedBuffer<T> value, gradient, first_moment, second_moment, ema;
    GuardedBuffer<double> workspace;
    StepState state{.learning_rate = 0.01, .ema_decay = 0.9, .weights = {{1, 1, 1, 1, 1, 1}}};
    bool averages = true;
    LossSums sums;
    std::vector<StepRecord> records{2};
    StepStatus status;

    explicit Optimisation(Index n)
        : size(n),
          segments{
              {0, n / 3, 1, true}, {n / 3, n / 3, 9, true}, {n / 3, n / 2, 1, false}, {n / 2, n, 0.3f, true}},
          value(n),
          gradient(n),
          first_moment(n),
          second_moment(n),
          ema(n),
          workspace(optimizer_workspace(n)) {
        value.fill_random(1);
        for (Index i = 0; i < n; ++i) ema[i] = value[i];
        first_moment.fill(T{0});
        second_moment.fill(T{0});
    }
    void set_gradient(std::int64_t step, double scale = 1) {
        gradient.fill_random(100 + static_cast<std::uint64_t>(step), scale);
    }
    template <class Stream>
    void step(Stream& stream, const AdamW& adamw, std::int64_t number) {
        for (std::size_t c = 0; c < kComponents; ++c) sums.denominator[c] = 4;
        step_with_sums(stream, adamw, number);
    }
    void step(const AdamW& adamw, std::int64_t number, int threads = 1) {
        cpu::Stream stream(threads);
        step(stream, adamw, number);
    }
    // With the sums as they are.
    template <class Stream>
    void step_with_sums(Stream& stream, const AdamW& adamw, std::int64_t number) {
        state.step = number;
        state.record = number % 2;
        with_arguments(stream, [&](auto& on) {
            optimizer_step<T>(
                stream, adamw,
                {size, on(value), on(gradient), on(first_moment), on(second_moment),
                 averages ? on(ema) : nullptr, on(segments), static_cast<Index>(segments.size()), on(state),
                 on(sums), on(records), on(status), on(workspace)});
        });
    }
    const StepRecord& row() const { return records[static_cast<std::size_t>(state.record)]; }
    bool same_state(const Optimisation& o) const {
        return value.same_bits(o.value) && first_moment.same_bits(o.first_moment) &&
               second_moment.same_bits(o.second_moment) && ema.same_bits(o.ema);
    }
};

// The update as the header writes it, in precision R.
template <class R>
struct Reference {
    std::vector<R> value, first_moment, second_moment, ema;
    double norm = 0;

    template <class T>
    explicit Reference(const Optimisation<T>& o) {
        for (Index i = 0; i < o.size; ++i) value.push_back(static_cast<R>(o.value[i]));
        ema = value;
        first_moment.resize(value.size());
        second_moment.resize(value.size());
    }
    template <class T>
    void step(const AdamW& a, const Optimisation<T>& o, int t) {
        R squares = 0;
        for (Index i = 0; i < o.size; ++i)
            squares += static_cast<R>(o.gradient[i]) * static_cast<R>(o.gradient[i]);
        norm = static_cast<double>(std::sqrt(squares));
        const R clip =
            a.gradient_clip > 0 ? static_cast<R>(std::min(1.0, a.gradient_clip / (norm + 1e-6))) : R{1};
        const auto b1 = static_cast<R>(a.beta1), b2 = static_cast<R>(a.beta2),
                   d = static_cast<R>(o.state.ema_decay);
        for (const ParameterSegment& s : o.segments) {
            const R rate = static_cast<R>(o.state.learning_rate) * static_cast<R>(s.rate_multiplier);
            for (Index j = s.begin; j < s.end; ++j) {
                const auto i = static_cast<std::size_t>(j);
                const R g = clip * static_cast<R>(o.gradient[j]);
                if (s.decay) value[i] *= 1 - rate * static_cast<R>(a.weight_decay);
                first_moment[i] = b1 * first_moment[i] + (1 - b1) * g;
                second_moment[i] = b2 * second_moment[i] + (1 - b2) * g * g;
                const R m = first_moment[i] / (1 - std::pow(b1, static_cast<R>(t)));
                const R v = second_moment[i] / (1 - std::pow(b2, static_cast<R>(t)));
                value[i] -= rate * m / (std::sqrt(v) + static_cast<R>(a.epsilon));
                ema[i] = d * ema[i] + (1 - d) * value[i];
            }
        }
    }
};

// A frozen segment, whatever its gradient, is as if it were not there: its buffers keep their bits, the norm
// and the other segments are those of a gradient of zero.
template <class Stream>
void check_frozen(Stream& stream, Index size) {
    Optimisation<float> frozen(size), without(size);
    for (Index i = 0; i < size; ++i) frozen.ema[i] = without.ema[i] = frozen.value[i] + 0.1f;
    frozen.first_moment.fill_random(2);
    frozen.second_moment.fill(0.5f);
    without.first_moment = frozen.first_moment;
    without.second_moment = frozen.second_moment;
    frozen.segments[2].frozen = true;
    const Index begin = frozen.segments[2].begin, end = frozen.segments[2].end;
    const Optimisation<float> before = frozen;
    for (int t = 0; t < 3; ++t) {
        frozen.set_gradient(t);
        frozen.gradient[begin] = std::numeric_limits<float>::quiet_NaN();
        without.set_gradient(t);
        for (Index i = begin; i < end; ++i) without.gradient[i] = 0;
        with_arguments(stream, [&](auto& on) {
            clear_frozen_gradients<float>(stream, on(frozen.segments),
                                          static_cast<Index>(frozen.segments.size()), on(frozen.gradient));
        });
        CHECK(frozen.gradient.same_bits(without.gradient));
        frozen.step(stream, usual_adamw(), t);
        without.step(stream, usual_adamw(), t);
        CHECK(frozen.row().grad_norm == without.row().grad_norm);
    }
    for (Index i = begin; i < end; ++i) {
        CHECK(frozen.value[i] == before.value[i]);
        CHECK(frozen.ema[i] == before.ema[i]);
        CHECK(frozen.first_moment[i] == before.first_moment[i]);
        CHECK(frozen.second_moment[i] == before.second_moment[i]);
        for (auto* buffer : {&without.value, &without.ema, &without.first_moment, &without.second_moment})
            (*buffer)[i] = 0;
        for (auto* buffer : {&frozen.value, &frozen.ema, &frozen.first_moment, &frozen.second_moment})
            (*buffer)[i] = 0;
    }
    CHECK(frozen.same_state(without));
}

// Five steps from zero moments against the reference; the third with a large gradient.
template <class T, class Stream>
void check_five_steps(Stream& stream, Index size, double clip, bool ema) {
    CAPTURE(size);
    CAPTURE(clip);
    CAPTURE(ema);
    AdamW adamw = usual_adamw();
    adamw.gradient_clip = clip;
    Optimisation<T> o(size);
    o.averages = ema;
    const GuardedBuffer<T> ema_before = o.ema;
    Reference<T> naive(o);
    Reference<Wide<T>> reference(o);
    for (int t = 1; t <= 5; ++t) {
        o.state.learning_rate = 0.01 * t;
        o.set_gradient(t, t == 3 ? 100 : 1);
        naive.step(adamw, o, t);
        reference.step(adamw, o, t);
        o.step(stream, adamw, t - 1);
        CHECK(o.row().grad_norm == doctest::Approx(reference.norm).epsilon(1e-13));
    }
    check_error(values(o.value), naive.value, reference.value, "value");
    check_error(values(o.first_moment), naive.first_moment, reference.first_moment, "m");
    check_error(values(o.second_moment), naive.second_moment, reference.second_moment, "v");
    if (ema) check_error(values(o.ema), naive.ema, reference.ema, "ema");
    if (!ema) CHECK(o.ema.same_bits(ema_before));
    for (const T g : values(o.gradient)) REQUIRE(g == T{0});
    for (const auto* buffer : {&o.value, &o.gradient, &o.first_moment, &o.second_moment, &o.ema}) {
        buffer->check_sentinels();
    }
    o.workspace.check_sentinels();
}

}  // namespace abr::test
