// A batch of predictions and targets for the tests of the loss.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kernels/loss.hpp"
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
    LossSums sums;
    GuardedBuffer<T> class_weights;
    GuardedBuffer<T> clean, latency, amplitude, threshold;
    GuardedBuffer<std::int32_t> label, exist;
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
            exist[b] = b % 4 == 2 ? -1 : static_cast<std::int32_t>(b % 3 != 0);
            set_target(latency, latency_head, b, 3);
            set_target(amplitude, amplitude_head, b, 0);
            set_target(threshold, threshold_head, b, 1);
        }
    }

    Targets<T> targets() {
        return {{clean.data(), shape.batch, shape.length},
                label.data(),
                exist.data(),
                latency.data(),
                amplitude.data(),
                threshold.data()};
    }
    Heads<const T> heads() {
        return {signal_head.view(),    {logits.data(), shape.batch, shape.classes},
                exist_head.data(),     latency_head.data(),
                amplitude_head.data(), threshold_head.data()};
    }
    Heads<T> gradients() {
        return {signal_gradient.view(),    {logits_gradient.data(), shape.batch, shape.classes},
                exist_gradient.data(),     latency_gradient.data(),
                amplitude_gradient.data(), threshold_gradient.data()};
    }
    void count() {
        sums = {};
        cpu::Stream stream(1);
        cpu::loss_denominators(stream, class_weights.data(), targets(), &sums);
    }
    // The loss with heads `h`; denominators as they are.
    void run(Heads<const T> h, const Heads<T>* out, int threads = 1) {
        cpu::Stream stream(threads);
        cpu::multi_task_loss<T>(stream, settings,
                                {h, targets(), class_weights.data(), &weights, &sums, out, workspace.data()});
    }
    void run_with_gradients(int threads = 1) {
        count();
        const Heads<T> out = gradients();
        run(heads(), &out, threads);
    }
    double total() {
        sums.numerator = {};
        run(heads(), nullptr);
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

  private:
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
