#include "kernels/loss.hpp"
#include "kernels/cpu/stream.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace abr {

Index loss_workspace(Index batch) {
    return batch * static_cast<Index>(kComponents);
}

namespace cpu {
namespace {

// A term of the loss and its derivative with respect to the prediction.
struct Term {
    double value = 0;
    double slope = 0;
};

Term distance(const DistanceLoss& loss, double residual) {
    const double size = std::abs(residual);
    const double sign = residual > 0 ? 1.0 : residual < 0 ? -1.0 : residual;  // 0 and NaN stay
    const double delta = loss.delta;
    switch (loss.type) {
        case Distance::mse:
            return {residual * residual, 2 * residual};
        case Distance::l1:
            return {size, sign};
        case Distance::huber:
            break;
    }
    if (size <= delta) return {residual * residual / 2, residual};
    return {delta * (size - delta / 2), delta * sign};
}

// ln(1 + e^x) without overflow, exact to rounding at both ends.
double softplus(double x) {
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

double sigmoid(double x) {
    const double e = std::exp(-std::abs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

Term existence_term(double logit, bool positive, double positive_weight) {
    if (positive) return {positive_weight * softplus(-logit), -positive_weight * sigmoid(-logit)};
    return {softplus(logit), sigmoid(logit)};
}

// One labelled recording's classification term; gradient[k] = scale * d term / d logit k, or null.
//
// Everything is expressed by m = ln sum_{k != y} e^{z_k}: 1 - p_y = sigmoid(m - z_y) keeps its digits when
// p_y nears 1, and with r_k = p_k / (1 - p_y) = e^{z_k - m} the focal factor's derivative has no pole for
// gamma < 1: df / dz_k = gamma f p_y r_k, df / dz_y = -gamma f p_y.
template <class T>
double classification_term(const LossSettings& settings, Index classes, const T* logits, Index label,
                           double class_weight, double scale, T* gradient) {
    const double target_logit = static_cast<double>(logits[label]);
    double largest = -std::numeric_limits<double>::infinity();
    for (Index k = 0; k < classes; ++k)
        if (k != label) largest = std::max(largest, static_cast<double>(logits[k]));
    double sum = 0;
    for (Index k = 0; k < classes; ++k)
        if (k != label) sum += std::exp(static_cast<double>(logits[k]) - largest);
    const double others = classes > 1 ? largest + std::log(sum) : largest;

    const double log_p = -softplus(others - target_logit);
    const double log_rest = -softplus(target_logit - others);  // ln(1 - p_y)
    const double p = std::exp(log_p);
    const double rest = std::exp(log_rest);
    const double smoothing = settings.label_smoothing;
    const double share = smoothing / static_cast<double>(classes);

    double cross_entropy = -(1 - smoothing + share) * log_p;
    if (smoothing > 0) {
        for (Index k = 0; k < classes; ++k)
            if (k != label) cross_entropy -= share * (static_cast<double>(logits[k]) - target_logit + log_p);
    }
    const double gamma = settings.focal_gamma;
    const double factor = gamma > 0 ? std::exp(gamma * log_rest) : 1.0;

    if (gradient != nullptr) {
        const double focal_slope = gamma * factor * p * cross_entropy;
        for (Index k = 0; k < classes; ++k) {
            double slope;
            if (k == label) {
                slope = factor * (smoothing - share - rest) - focal_slope;
            } else {
                const double ratio = std::exp(static_cast<double>(logits[k]) - others);
                slope = factor * (rest * ratio - share) + focal_slope * ratio;
            }
            gradient[k] = scale == 0 ? T{0} : static_cast<T>(scale * class_weight * slope);
        }
    }
    return class_weight * factor * cross_entropy;
}

// A recording's scalar head with a maskable target.
template <class T>
double scalar_term(const DistanceLoss& loss, const T* prediction, const T* target, Index b, double scale,
                   T* gradient) {
    if (prediction == nullptr) return 0;
    Term term;
    if (!std::isnan(target[b])) {
        term = distance(loss, static_cast<double>(prediction[b]) - static_cast<double>(target[b]));
    }
    if (gradient != nullptr) gradient[b] = scale == 0 ? T{0} : static_cast<T>(scale * term.slope);
    return term.value;
}

template <class T>
double signal_term(const DistanceLoss& loss, Sequence<const T> prediction, Matrix<T> target, Index b,
                   double scale, const Sequence<T>* gradient) {
    const T* restored = prediction.row(b, 0);
    const T* wanted = target.row(b);
    T* out = nullptr;
    if (gradient != nullptr) {
        std::fill_n(gradient->data + b * gradient->sample_stride(), gradient->sample_stride(), T{0});
        if (scale != 0) out = gradient->row(b, 0);
    }
    double sum = 0;
    for (Index t = 0; t < target.columns; ++t) {
        const Term term = distance(loss, static_cast<double>(restored[t]) - static_cast<double>(wanted[t]));
        sum += term.value;
        if (out != nullptr) out[t] = static_cast<T>(scale * term.slope);
    }
    return sum;
}

// All of recording b: its gradients written, its term of every component returned.
template <class T>
PerComponent<double> row_terms(const LossSettings& settings, const LossArguments<T>& a,
                               const PerComponent<double>& scale, Index b) {
    using enum Component;
    const Heads<const T>& heads = a.heads;
    const Targets<T>& targets = a.targets;
    const Heads<T> none;
    const Heads<T>& gradients = a.gradients != nullptr ? *a.gradients : none;

    PerComponent<double> terms;
    if (heads.signal.data != nullptr) {
        terms[signal] = signal_term(settings.signal, heads.signal, targets.signal, b, scale[signal],
                                    gradients.signal.data != nullptr ? &gradients.signal : nullptr);
    }
    if (heads.exist != nullptr) {
        Term term;
        if (targets.exist[b] >= 0) {
            term = existence_term(static_cast<double>(heads.exist[b]), targets.exist[b] == 1,
                                  settings.positive_weight);
        }
        terms[peak_exist] = term.value;
        if (gradients.exist != nullptr) {
            gradients.exist[b] =
                scale[peak_exist] == 0 ? T{0} : static_cast<T>(scale[peak_exist] * term.slope);
        }
    }
    terms[peak_latency] = scalar_term(settings.peak_latency, heads.latency, targets.latency, b,
                                      scale[peak_latency], gradients.latency);
    terms[peak_amplitude] = scalar_term(settings.peak_amplitude, heads.amplitude, targets.amplitude, b,
                                        scale[peak_amplitude], gradients.amplitude);
    if (heads.logits.data != nullptr) {
        T* gradient = gradients.logits.data != nullptr ? gradients.logits.row(b) : nullptr;
        const Index label = targets.label[b];
        if (label >= 0) {
            terms[classification] = classification_term(settings, settings.classes, heads.logits.row(b),
                                                        label, static_cast<double>(a.class_weights[label]),
                                                        scale[classification], gradient);
        } else if (gradient != nullptr) {
            std::fill_n(gradient, settings.classes, T{0});
        }
    }
    terms[threshold] = scalar_term(settings.threshold, heads.threshold, targets.threshold, b,
                                   scale[threshold], gradients.threshold);
    return terms;
}

}  // namespace

template <class T>
void loss_denominators(Stream& stream, const T* class_weights, const Targets<T>& targets, LossSums* sums) {
    const ProfileScope scope(stream.profile(), __func__);
    using enum Component;
    PerComponent<double>& count = sums->denominator;
    count[signal] += static_cast<double>(targets.signal.size());
    for (Index b = 0; b < targets.signal.rows; ++b) {
        if (targets.exist[b] >= 0) count[peak_exist] += 1;
        if (!std::isnan(targets.latency[b])) count[peak_latency] += 1;
        if (!std::isnan(targets.amplitude[b])) count[peak_amplitude] += 1;
        if (targets.label[b] >= 0)
            count[classification] += static_cast<double>(class_weights[targets.label[b]]);
        if (!std::isnan(targets.threshold[b])) count[threshold] += 1;
    }
}

template <class T>
void multi_task_loss(Stream& stream, const LossSettings& settings, const LossArguments<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    const Index batch = a.targets.signal.rows;
    PerComponent<double> scale;  // of each gradient; 0 = none
    if (a.gradients != nullptr) {
        for (std::size_t c = 0; c < kComponents; ++c) {
            const double denominator = a.sums->denominator[c];
            if (denominator > 0) scale[c] = (*a.weights)[c] / denominator;
        }
    }
    stream.parallel_for(batch, [&](Index b) {
        const PerComponent<double> terms = row_terms(settings, a, scale, b);
        std::copy_n(terms.values.data(), kComponents, a.workspace + b * static_cast<Index>(kComponents));
    });
    for (Index b = 0; b < batch; ++b) {
        const double* terms = a.workspace + b * static_cast<Index>(kComponents);
        for (std::size_t c = 0; c < kComponents; ++c) a.sums->numerator[c] += terms[c];
    }
}

template void loss_denominators(Stream&, const float*, const Targets<float>&, LossSums*);
template void loss_denominators(Stream&, const double*, const Targets<double>&, LossSums*);
template void multi_task_loss(Stream&, const LossSettings&, const LossArguments<float>&);
template void multi_task_loss(Stream&, const LossSettings&, const LossArguments<double>&);

}  // namespace cpu
}  // namespace abr
