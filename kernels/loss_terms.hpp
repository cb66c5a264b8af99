// What one recording adds to the loss components but the signal's, and the gradients of its heads; for every backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/host_device.hpp"
#include "kernels/loss.hpp"

namespace abr {

// What a component's gradients are multiplied by; 0 where nothing is labelled.
ABR_HOST_DEVICE inline double gradient_scale(double weight, double denominator) {
    return denominator > 0 ? weight / denominator : 0.0;
}

// A term of the loss and its derivative with respect to the prediction.
struct LossTerm {
    double value = 0;
    double slope = 0;
};

ABR_HOST_DEVICE inline LossTerm distance(const DistanceLoss& loss, double residual) {
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
ABR_HOST_DEVICE inline double softplus(double x) {
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

ABR_HOST_DEVICE inline double sigmoid(double x) {
    const double e = std::exp(-std::abs(x));
    return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

ABR_HOST_DEVICE inline LossTerm existence_term(double logit, bool positive, double positive_weight) {
    if (positive) return {positive_weight * softplus(-logit), -positive_weight * sigmoid(-logit)};
    return {softplus(logit), sigmoid(logit)};
}

// One labelled recording's classification term; gradient[k] = scale * d term / d logit k, or null: written or added.
//
// Everything is expressed by m = ln sum_{k != y} e^{z_k}: 1 - p_y = sigmoid(m - z_y) keeps its digits when
// p_y nears 1, and with r_k = p_k / (1 - p_y) = e^{z_k - m} the focal factor's derivative has no pole for
// gamma < 1: df / dz_k = gamma f p_y r_k, df / dz_y = -gamma f p_y.
template <class T>
ABR_HOST_DEVICE double classification_term(const LossSettings& settings, Index classes, const T* logits,
                                           Index label, double class_weight, double scale, T* gradient,
                                           Write write = Write::overwrite) {
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
            const T part = scale == 0 ? T{0} : static_cast<T>(scale * class_weight * slope);
            gradient[k] = write == Write::overwrite ? part : gradient[k] + part;
        }
    }
    return class_weight * factor * cross_entropy;
}

// Recording b's term of the task c, which is not the signal's; its gradients written where `gradients` has the task.
// `scale`: the component's weight over its denominator; 0 sends no gradient, whatever the prediction is. A head that
// is not built gives 0.

template <Component c, class T>
ABR_HOST_DEVICE double class_term(const LossSettings& settings, const Heads<const T>& heads,
                                  const Targets<T>& targets, const T* class_weights, Index b, double scale,
                                  T* gradient) {
    const Index label = targets.label[c][b];
    const T* logits = heads.answer[c].row(b);
    if (label < 0) {
        if (gradient != nullptr)
            for (Index k = 0; k < settings.classes; ++k) gradient[k] = T{0};
        return 0;
    }
    const bool mixed = targets.first_share != nullptr && targets.first_share[b] != T{1};
    double sum = 0;
    // One call in a loop, for two side by side take more registers than a device has.
    for (int part = 0; part < (mixed ? 2 : 1); ++part) {
        const Index y = part == 0 ? label : Index{targets.second_class[b]};
        double share = 1;
        if (mixed) share = static_cast<double>(targets.first_share[b]);
        if (part == 1) share = 1 - share;
        sum += classification_term(settings, settings.classes, logits, y,
                                   share * static_cast<double>(class_weights[y]), scale, gradient,
                                   part == 0 ? Write::overwrite : Write::accumulate);
    }
    return sum;
}

template <Component c, class T>
ABR_HOST_DEVICE double task_term(const LossSettings& settings, const Heads<const T>& heads,
                                 const Targets<T>& targets, const T* class_weights, Index b, double scale,
                                 const Heads<T>& gradients) {
    constexpr TaskKind kKind = task_of(c).kind;
    static_assert(kKind != TaskKind::signal);
    if (kKind == TaskKind::none || heads.answer[c].data == nullptr) return 0;
    T* gradient = gradients.answer[c].data != nullptr ? gradients.answer[c].row(b) : nullptr;
    if constexpr (kKind == TaskKind::classes) {
        return class_term<c>(settings, heads, targets, class_weights, b, scale, gradient);
    } else {
        const auto prediction = static_cast<double>(heads.answer[c].data[b]);
        LossTerm term;
        if constexpr (kKind == TaskKind::binary) {
            const std::int32_t target = targets.label[c][b];
            if (target >= 0) term = existence_term(prediction, target == 1, settings.positive_weight);
        } else {
            const T target = targets.scalar[c][b];
            if (!std::isnan(target))
                term = distance(settings.distance[c], prediction - static_cast<double>(target));
        }
        if (gradient != nullptr) *gradient = scale == 0 ? T{0} : static_cast<T>(scale * term.slope);
        return term.value;
    }
}

// What recording b adds to the denominator of the task c, which is not the signal's.
template <Component c, class T>
ABR_HOST_DEVICE double task_denominator(const Targets<T>& targets, const T* class_weights, Index b) {
    constexpr TaskKind kKind = task_of(c).kind;
    if constexpr (kKind == TaskKind::none) {
        if constexpr (is_scalar(task_of(c).labelled_by))
            return task_denominator<task_of(c).labelled_by>(targets, class_weights, b);
        return 0;
    } else if constexpr (kKind == TaskKind::scalar) {
        return std::isnan(targets.scalar[c][b]) ? 0 : 1;
    } else {
        const std::int32_t label = targets.label[c][b];
        if (label < 0) return 0;
        if constexpr (kKind == TaskKind::binary) return 1;
        const auto first = static_cast<double>(class_weights[label]);
        if (targets.first_share == nullptr || targets.first_share[b] == T{1}) return first;
        const auto share = static_cast<double>(targets.first_share[b]);
        return share * first + (1 - share) * static_cast<double>(class_weights[targets.second_class[b]]);
    }
}

}  // namespace abr
