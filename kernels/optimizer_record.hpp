// The record of an optimiser step and what the update takes from it, for every backend.
#pragma once

#include <cmath>

#include "kernels/host_device.hpp"
#include "kernels/optimizer.hpp"

namespace abr {

// Writes `row`, latches the first step that is not finite in `status`, and sets the sums to zero.
ABR_HOST_DEVICE inline void write_record(const StepState& state, double grad_norm, LossSums& sums,
                                         StepRecord& row, StepStatus& status) {
    row.step = state.step;
    row.learning_rate = state.learning_rate;
    row.grad_norm = grad_norm;
    double total = 0;
    std::size_t bad = kComponents + 1;
    for (std::size_t c = 0; c < kComponents; ++c) {
        const double loss = sums.denominator[c] > 0 ? sums.numerator[c] / sums.denominator[c] : 0.0;
        row.loss[c] = loss;
        if (state.weights[c] != 0) total += state.weights[c] * loss;
        if (bad > kComponents && !std::isfinite(loss)) bad = c;
        sums.numerator[c] = sums.denominator[c] = 0;
    }
    row.loss_total = total;
    if (bad > kComponents && !std::isfinite(grad_norm)) bad = kComponents;
    if (status.bad_step >= 0 || bad > kComponents) return;
    status.bad_step = state.step;
    status.bad_component = static_cast<std::int32_t>(bad);
}

// What gradients are multiplied by.
ABR_HOST_DEVICE inline double clip_factor(const AdamW& adamw, double grad_norm) {
    const double factor = adamw.gradient_clip / (grad_norm + 1e-6);
    return adamw.gradient_clip > 0 && factor < 1 ? factor : 1.0;
}

// 1 - beta^t at the step's t, exact to rounding also where beta is close to 1.
ABR_HOST_DEVICE inline double bias_correction(double beta, const StepState& state) {
    const auto t = static_cast<double>(state.step + 1);
    return beta > 0 ? -std::expm1(t * std::log(beta)) : 1.0;
}

}  // namespace abr
