// A batch of predictions and targets for the tests of the loss.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kernels/loss.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct LossShape {
    Index batch, length, padded, classes, pad;
};

inline constexpr LossShape kSmallLoss{9, 7, 8, 5, 2};

// A batch of predictions and targets; one in four of every target is missing. Residuals keep clear of the
// kinks of L1 and Huber, so that finite differences hold everywhere.
template <class T>
struct LossProblem {
    LossShape shape;
    LossSettings settings;
    PerComponent<double> weights{{0.8, 0.6, 1.2, 1.1, 2.5, 0.9}};
    PerComponent<bool> built = per_component(is_task);  // which heads there are
    LossSums sums;
    GuardedBuffer<T> class_weights;
    GuardedBuffer<T> clean, latency, amplitude, threshold;
    GuardedBuffer<std::int32_t> label, exist, second_class;
    GuardedBuffer<T> first_share;
    bool mixed = false;  // whether recordings are of two classes
    GuardedSequence<T> signal_head, signal_gradient;
    GuardedBuffer<T> logits, exist_head, latency_head, amplitude_head, threshold_head;
    GuardedBuffer<T> logits_gradient, exist_gradient, latency_gradient, amplitude_gradient,
        threshold_gradient;
    GuardedBuffer<double> workspace;

    explicit LossProblem(LossShape s)
        : shape(s),
          class_weights(s.classes),
          clean(s.batch * s.length),
          latency(s.batch),
          amplitude(s.batch),
          threshold(s.batch),
          label(s.batch),
          exist(s.batch),
          second_class(s.batch),
          first_share(s.batch),
          signal_head(s.batch, s.padded, 1, s.pad),
          signal_gradient(s.batch, s.padded, 1, s.pad + 1),
          logits(s.batch * s.classes),
          exist_head(s.batch),
          latency_head(s.batch),
          amplitude_head(s.batch),
          threshold_head(s.batch),
          logits_gradient(s.batch * s.classes),
          exist_gradient(s.batch),
          latency_gradient(s.batch),
          amplitude_gradient(s.batch),
          threshold_gradient(s.batch),
          workspace(loss_workspace(s.batch)) {
        settings.classes = s.classes;
        for (Index k = 0; k < s.classes; ++k) class_weights[k] = static_cast<T>(1);
        clean.fill_random(1);
        signal_head.fill_random(2);
        logits.fill_random(3, 3);
        exist_head.fill_random(4, 3);
        for (Index b = 0; b < s.batch; ++b) {
            for (Index t = 0; t < s.length; ++t) {
                signal_head.view().row(b, 0)[t] = clean[b * s.length + t] + residual(b * s.length + t);
            }
            label[b] = b % 4 == 1 ? -1 : static_cast<std::int32_t>(b % s.classes);
            second_class[b] = static_cast<std::int32_t>((b + 2) % s.classes);
            first_share[b] = b % 3 == 0 ? T{1} : static_cast<T>(0.5 + 0.1 * static_cast<double>(b % 4));
            exist[b] = b % 4 == 2 ? -1 : static_cast<std::int32_t>(b % 3 != 0);
            set_target(latency, latency_head, b, 3);
            set_target(amplitude, amplitude_head, b, 0);
            set_target(threshold, threshold_head, b, 1);
        }
    }

    // Rows [first, first + rows) of the arguments; heads that are not built are null.
    template <class On>
    Targets<T> targets(On& on, Index first, Index rows) {
        return {.signal = {on(clean) + first * shape.length, rows, shape.length},
                .label = per_component<std::int32_t*>({{Component::classification, on(label) + first},
                                                       {Component::peak_exist, on(exist) + first}}),
                .scalar = per_component<T*>({{Component::peak_latency, on(latency) + first},
                                             {Component::peak_amplitude, on(amplitude) + first},
                                             {Component::threshold, on(threshold) + first}}),
                .second_class = mixed ? on(second_class) + first : nullptr,
                .first_share = mixed ? on(first_share) + first : nullptr};
    }
    template <class On>
    Heads<T> heads(On& on, Index first, Index rows) {
        return built_rows(on(signal_head), on(logits),
                          {{Component::peak_exist, on(exist_head)},
                           {Component::peak_latency, on(latency_head)},
                           {Component::peak_amplitude, on(amplitude_head)},
                           {Component::threshold, on(threshold_head)}},
                          first, rows);
    }
    template <class On>
    Heads<T> gradients(On& on, Index first, Index rows) {
        return built_rows(on(signal_gradient), on(logits_gradient),
                          {{Component::peak_exist, on(exist_gradient)},
                           {Component::peak_latency, on(latency_gradient)},
                           {Component::peak_amplitude, on(amplitude_gradient)},
                           {Component::threshold, on(threshold_gradient)}},
                          first, rows);
    }
    // Denominators of rows [first, first + rows) added.
    template <class Stream>
    void count_rows(Stream& stream, Index first, Index rows) {
        with_arguments(stream, [&](auto& on) {
            loss_denominators<T>(stream, on(class_weights), targets(on, first, rows), on(sums));
        });
    }
    // The loss of rows [first, first + rows); denominators as they are.
    template <class Stream>
    void run_rows(Stream& stream, Index first, Index rows, bool with_gradients) {
        with_arguments(stream, [&](auto& on) {
            const Heads<T> h = heads(on, first, rows), out = gradients(on, first, rows);
            multi_task_loss<T>(stream, settings,
                               {h, targets(on, first, rows), on(class_weights), on(weights), on(sums),
                                with_gradients ? &out : nullptr, on(workspace)});
        });
    }
    template <class Stream>
    void count(Stream& stream) {
        sums = {};
        count_rows(stream, 0, shape.batch);
    }
    void count() {
        cpu::Stream stream(1);
        count(stream);
    }
    template <class Stream>
    void run_with_gradients(Stream& stream) {
        count(stream);
        run_rows(stream, 0, shape.batch, true);
    }
    void run_with_gradients(int threads = 1) {
        cpu::Stream stream(threads);
        run_with_gradients(stream);
    }
    // Counts, then the loss, in parts that begin at `starts`; the last of these is the end.
    template <class Stream>
    void run_in_parts(Stream& stream, const std::vector<Index>& starts) {
        sums = {};
        for (std::size_t i = 0; i + 1 < starts.size(); ++i)
            count_rows(stream, starts[i], starts[i + 1] - starts[i]);
        for (std::size_t i = 0; i + 1 < starts.size(); ++i)
            run_rows(stream, starts[i], starts[i + 1] - starts[i], true);
    }
    double total() {
        sums.numerator = {};
        cpu::Stream stream(1);
        run_rows(stream, 0, shape.batch, false);
        double result = 0;
        for (std::size_t c = 0; c < kComponents; ++c) {
            result += weights[c] * sums.numerator[c] / sums.denominator[c];
        }
        return result;
    }
    // Every buffer that the op may write, by name.
    std::vector<std::pair<std::string, GuardedBuffer<T>*>> outputs() {
        return {{"signal", &signal_gradient.buffer()},
                {"logits", &logits_gradient},
                {"exist", &exist_gradient},
                {"latency", &latency_gradient},
                {"amplitude", &amplitude_gradient},
                {"threshold", &threshold_gradient}};
    }

    // Sums and gradients.
    bool same_bits(LossProblem& o) {
        const auto mine = outputs(), others = o.outputs();
        bool same = sums.numerator == o.sums.numerator && sums.denominator == o.sums.denominator;
        for (std::size_t i = 0; i < mine.size(); ++i)
            same = same && mine[i].second->same_bits(*others[i].second);
        return same;
    }

  private:
    Heads<T> built_rows(Sequence<T> signal, T* class_logits, std::vector<std::pair<Component, T*>> others,
                        Index first, Index rows) const {
        Heads<T> h{.signal = signal, .answer = {}};
        h.signal.data = built[Component::signal] ? signal.data + first * signal.sample_stride() : nullptr;
        h.signal.batch = rows;
        if (built[Component::classification])
            h.answer[Component::classification] = {class_logits + first * shape.classes, rows, shape.classes};
        for (const auto& [component, values] : others)
            if (built[component]) h.answer[component] = {values + first, rows, 1};
        return h;
    }
    // +-0.053, 0.153, ... 2.953 in a scattered order
    static T residual(Index i) {
        const double size = 0.053 + 0.1 * static_cast<double>(i * 17 % 30);
        return static_cast<T>(i % 2 == 0 ? size : -size);
    }
    static void set_target(GuardedBuffer<T>& target, GuardedBuffer<T>& head, Index b, Index missing) {
        const auto value = static_cast<T>(random_value(9, b));
        head[b] = value + residual(b + missing);
        target[b] = b % 4 == missing ? std::numeric_limits<T>::quiet_NaN() : value;
    }
};

}  // namespace abr::test
