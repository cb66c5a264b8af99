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

// One labelled recording's classification term; gradient[k] = scale * d term / d logit k, or null.
//
// Everything is expressed by m = ln sum_{k != y} e^{z_k}: 1 - p_y = sigmoid(m - z_y) keeps its digits when
// p_y nears 1, and with r_k = p_k / (1 - p_y) = e^{z_k - m} the focal factor's derivative has no pole for
// gamma < 1: df / dz_k = gamma f p_y r_k, df / dz_y = -gamma f p_y.
template <class T>
ABR_HOST_DEVICE double classification_term(const LossSettings& settings, Index classes, const T* logits,
                                           Index label, double class_weight, double scale, T* gradient) {
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

// The heads of recording b, their gradients written where `gradient` is not null. `scale`: the component's weight over
// its denominator; 0 sends no gradient, whatever the prediction is. Predictions that are null are not built: 0.

template <class T>
ABR_HOST_DEVICE double regression_term(const DistanceLoss& loss, const T* prediction, const T* target,
                                       Index b, double scale, T* gradient) {
    if (prediction == nullptr) return 0;
    LossTerm term;
    if (!std::isnan(target[b]))
        term = distance(loss, static_cast<double>(prediction[b]) - static_cast<double>(target[b]));
    if (gradient != nullptr) gradient[b] = scale == 0 ? T{0} : static_cast<T>(scale * term.slope);
    return term.value;
}

template <class T>
ABR_HOST_DEVICE double existence_term(const LossSettings& settings, const T* logit,
                                      const std::int32_t* target, Index b, double scale, T* gradient) {
    if (logit == nullptr) return 0;
    LossTerm term;
    if (target[b] >= 0)
        term = existence_term(static_cast<double>(logit[b]), target[b] == 1, settings.positive_weight);
    if (gradient != nullptr) gradient[b] = scale == 0 ? T{0} : static_cast<T>(scale * term.slope);
    return term.value;
}

template <class T>
ABR_HOST_DEVICE double classification_term(const LossSettings& settings, Matrix<const T> logits,
                                           const std::int32_t* target, const T* class_weights, Index b,
                                           double scale, Matrix<T> gradients) {
    if (logits.data == nullptr) return 0;
    T* gradient = gradients.data != nullptr ? gradients.row(b) : nullptr;
    const Index label = target[b];
    if (label >= 0)
        return classification_term(settings, settings.classes, logits.row(b), label,
                                   static_cast<double>(class_weights[label]), scale, gradient);
    if (gradient != nullptr)
        for (Index k = 0; k < settings.classes; ++k) gradient[k] = T{0};
    return 0;
}

}  // namespace abr
