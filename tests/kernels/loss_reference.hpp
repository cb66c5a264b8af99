// The loss as the spec writes it, its options, and the check of values and gradients against it on every backend.
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "tests/kernels/loss_problem.hpp"

namespace abr::test {

// The formulas of the spec, one by one, in precision R: no stable rewriting, no fusion.
template <class R>
struct NaiveLoss {
    std::vector<R> numerators = std::vector<R>(kComponents);
    std::vector<R> signal, logits, exist, latency, amplitude, threshold;

    static R distance(const DistanceLoss& loss, R r) {
        const R delta = loss.delta;
        if (loss.type == Distance::mse) return r * r;
        if (loss.type == Distance::l1) return std::abs(r);
        return std::abs(r) <= delta ? r * r / 2 : delta * (std::abs(r) - delta / 2);
    }
    static R slope(const DistanceLoss& loss, R r) {
        const R delta = loss.delta;
        const R sign = r > 0 ? R{1} : R{-1};
        if (loss.type == Distance::mse) return 2 * r;
        if (loss.type == Distance::l1) return sign;
        return std::abs(r) <= delta ? r : delta * sign;
    }

    template <class T>
    explicit NaiveLoss(LossProblem<T>& p) {
        const LossShape s = p.shape;
        const LossSettings& o = p.settings;
        std::array<R, kComponents> scale;
        for (std::size_t c = 0; c < kComponents; ++c) {
            scale[c] = static_cast<R>(p.weights[c]) / static_cast<R>(p.sums.denominator[c]);
        }
        const auto scalar = [&](const DistanceLoss& loss, auto& head, auto& target, std::size_t c,
                                std::vector<R>& out) {
            for (Index b = 0; b < s.batch; ++b) {
                const bool there = !std::isnan(target[b]);
                const R r = there ? static_cast<R>(head[b]) - static_cast<R>(target[b]) : R{0};
                if (there) numerators[c] += distance(loss, r);
                out.push_back(there ? scale[c] * slope(loss, r) : R{0});
            }
        };
        for (Index b = 0; b < s.batch; ++b) {
            for (Index t = 0; t < s.length; ++t) {
                const R r = static_cast<R>(p.signal_head.view().row(b, t)[0]) -
                            static_cast<R>(p.clean[b * s.length + t]);
                numerators[0] += distance(o.distance[Component::signal], r);
                signal.push_back(scale[0] * slope(o.distance[Component::signal], r));
            }
            for (Index t = s.length; t < s.padded; ++t) signal.push_back(0);

            const R probability = 1 / (1 + std::exp(-static_cast<R>(p.exist_head[b])));
            const R positive_weight = o.positive_weight;
            R gradient = 0;
            if (p.exist[b] == 1) {
                numerators[1] -= positive_weight * std::log(probability);
                gradient = positive_weight * (probability - 1);
            } else if (p.exist[b] == 0) {
                numerators[1] -= std::log(1 - probability);
                gradient = probability;
            }
            exist.push_back(scale[1] * gradient);
            classify(p, b, scale[4]);
        }
        scalar(o.distance[Component::peak_latency], p.latency_head, p.latency, 2, latency);
        scalar(o.distance[Component::peak_amplitude], p.amplitude_head, p.amplitude, 3, amplitude);
        scalar(o.distance[Component::threshold], p.threshold_head, p.threshold, 5, threshold);
    }

    // A recording of two classes counts for each by its share.
    template <class T>
    void classify(LossProblem<T>& p, Index b, R scale) {
        const Index K = p.shape.classes, y = p.label[b];
        std::vector<R> gradient(static_cast<std::size_t>(K), R{0});
        const R share = p.mixed ? static_cast<R>(p.first_share[b]) : R{1};
        if (y >= 0) add_class(p, b, y, share, scale, gradient);
        if (y >= 0 && share < 1) add_class(p, b, p.second_class[b], 1 - share, scale, gradient);
        logits.insert(logits.end(), gradient.begin(), gradient.end());
    }

    template <class T>
    void add_class(LossProblem<T>& p, Index b, Index y, R share, R scale, std::vector<R>& gradient) {
        const Index K = p.shape.classes;
        std::vector<R> probability, target;
        R sum = 0;
        for (Index k = 0; k < K; ++k) sum += std::exp(static_cast<R>(p.logits[b * K + k]));
        const R s = p.settings.label_smoothing, gamma = p.settings.focal_gamma;
        R cross_entropy = 0;
        for (Index k = 0; k < K; ++k) {
            probability.push_back(std::exp(static_cast<R>(p.logits[b * K + k])) / sum);
            target.push_back((1 - s) * (k == y ? R{1} : R{0}) + s / static_cast<R>(K));
            cross_entropy -= target.back() * std::log(probability.back());
        }
        const R py = probability[static_cast<std::size_t>(y)];
        const R omega = share * static_cast<R>(p.class_weights[y]);
        numerators[4] += omega * std::pow(1 - py, gamma) * cross_entropy;
        for (Index k = 0; k < K; ++k) {
            const R pk = probability[static_cast<std::size_t>(k)];
            const R dpy = py * ((k == y ? R{1} : R{0}) - pk);
            const R d_factor = gamma > 0 ? -gamma * std::pow(1 - py, gamma - 1) * dpy : R{0};
            const R d_entropy = pk - target[static_cast<std::size_t>(k)];
            gradient[static_cast<std::size_t>(k)] +=
                scale * omega * (std::pow(1 - py, gamma) * d_entropy + d_factor * cross_entropy);
        }
    }
};

// Calls `check(settings, class weights vary)` for every combination of options.
template <class Check>
void for_each_option(const Check& check) {
    for (const Distance type : {Distance::mse, Distance::l1, Distance::huber})
        for (const float gamma : {0.0f, 0.5f, 1.0f, 2.0f})
            for (const float smoothing : {0.0f, 0.1f})
                for (const float positive_weight : {1.0f, 2.5f})
                    for (const bool weighted : {false, true}) {
                        LossSettings settings;
                        settings.distance[Component::signal] = {type, 0.7f};
                        settings.distance[Component::peak_latency] = {type, 0.9f};
                        settings.distance[Component::peak_amplitude] = {type, 1.2f};
                        settings.distance[Component::threshold] = {type, 1.7f};
                        settings.focal_gamma = gamma;
                        settings.label_smoothing = smoothing;
                        settings.positive_weight = positive_weight;
                        check(settings, weighted);
                    }
}

template <class T>
void set_options(LossProblem<T>& p, const LossSettings& settings, bool weighted) {
    p.settings = settings;
    p.settings.classes = p.shape.classes;
    for (Index k = 0; weighted && k < p.shape.classes; ++k) {
        p.class_weights[k] = static_cast<T>(0.25 + 0.5 * static_cast<double>(k));
    }
}

// Values and gradients of every head, from poisoned outputs, against the naive formulas.
template <class T, class Stream>
void check_loss(Stream& stream, const LossShape& shape, const LossSettings& settings, bool weighted,
                bool mixed = false) {
    CAPTURE(shape.batch);
    CAPTURE(shape.length);
    LossProblem<T> p(shape);
    p.mixed = mixed;
    set_options(p, settings, weighted);
    if (shape.batch == 1) p.latency[0] = p.amplitude[0] = p.threshold[0] = T{0.25};
    p.run_with_gradients(stream);
    const NaiveLoss<T> naive(p);
    const NaiveLoss<Wide<T>> reference(p);
    std::vector<T> numerators;
    for (const double n : p.sums.numerator.values) numerators.push_back(static_cast<T>(n));
    check_error(numerators, naive.numerators, reference.numerators, "numerators");
    check_error(p.signal_gradient.values(), naive.signal, reference.signal, "signal");
    check_error(values(p.logits_gradient), naive.logits, reference.logits, "logits");
    check_error(values(p.exist_gradient), naive.exist, reference.exist, "exist");
    check_error(values(p.latency_gradient), naive.latency, reference.latency, "latency");
    check_error(values(p.amplitude_gradient), naive.amplitude, reference.amplitude, "amplitude");
    check_error(values(p.threshold_gradient), naive.threshold, reference.threshold, "threshold");
    p.signal_gradient.check_zero_padding();
    p.workspace.check_sentinels();
    for (const auto& [name, buffer] : p.outputs()) buffer->check_sentinels();
}

}  // namespace abr::test
