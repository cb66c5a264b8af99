// The fused weighted multi-task loss: every component's value and every head's gradient in one pass.
//
//   total = sum_i weight_i * L_i,   L_i = numerator_i / denominator_i (0, with a zero gradient, if that is 0)
//
//   kind of task   numerator, a sum over recordings                         denominator
//   signal         d(restored - target) over the samples                    B * T
//   binary         binary cross-entropy on the logit; a positive counts     labelled recordings
//                  positive_weight times
//   scalar         d(prediction - target)                                   recordings with a target
//   classes        w_y * f * CE(softmax(logits), smoothed target)           sum of w_y over labelled
//   none           (a further loss adds it)                                 that of the scalar task it is labelled by
//
// A recording whose class is mixed of two, y with share s and z with 1 - s, adds s times the term of y and 1 - s
// times that of z, to numerator and denominator alike.
//
//   d(r) = r^2 (MSE), |r| (L1), or PyTorch's HuberLoss: r^2 / 2 for |r| <= delta, delta * (|r| - delta / 2)
//   beyond
//   smoothed target = (1 - s) * onehot + s / K
//   f = (1 - p_y)^gamma (Lin et al. 2017), or 1 if gamma = 0; the gradient flows through f
//
// Denominators are those of the whole optimiser step (or evaluation split), counted first by
// loss_denominators over the step's targets; gradients of each micro-batch are already divided by them, so
// accumulated micro-batches give the step of one large batch.
//
// A missing target is -1 (binary, classes) or NaN (scalar): masked. Components whose head is not built have
// null predictions and gradients: their numerator is left as it is. A component of weight 0 is measured, and
// its gradient is 0 whatever its prediction is. Predictions are never clamped; one that is not finite makes
// its component not finite.
//
// Weights, denominators and class weights are read on the device. Sums are in double and go row by row, so
// micro-batches give the very bits of one large batch, for any number of threads.
#pragma once

#include <cstdint>

#include "kernels/components.hpp"
#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

enum class Distance { mse, l1, huber };

struct DistanceLoss {
    Distance type = Distance::huber;
    float delta = 1.0f;
};

// The signal's is the mean squared error unless asked otherwise.
inline constexpr auto kDefaultDistances =
    per_component<DistanceLoss>({{Component::signal, {Distance::mse, 1.0f}}});

// Constants of a run.
struct LossSettings {
    PerComponent<DistanceLoss> distance = kDefaultDistances;  // of signal and scalar tasks
    float positive_weight = 1.0f;                             // > 0
    float label_smoothing = 0.0f;                             // in [0, 1)
    float focal_gamma = 0.0f;                                 // >= 0; 0 = cross-entropy
    Index classes = 5;                                        // K >= 1
    float location_sd_ms = 0.05f;  // of the density that the map of wave V should have around a mark, > 0
};

// The targets of a batch, in the unit of the heads (standardised; NaN or -1 = missing).
template <class T>
struct Targets {
    Matrix<T> signal;  // (batch, T) z-scored clean signal
    PerComponent<std::int32_t*> label =
        {};                        // (batch) of classes: in [0, K) or -1; of binary tasks: 1, 0 or -1
    PerComponent<T*> scalar = {};  // (batch) of scalar tasks
    // Recordings mixed of two classes, label's and this one; null where none is mixed. (batch)
    std::int32_t* second_class = nullptr;  // in [0, K), not read where the share is 1
    T* first_share = nullptr;              // of label's class, in (0, 1]
};

// What the heads put out, or the gradients with respect to it (then overwritten).
template <class T>
struct Heads {
    Sequence<T> signal;  // (batch, padded T, 1); only the first T samples count, later gradients are 0
    PerComponent<Matrix<T>> answer = {};  // of each other task: (batch, K) class logits, else (batch, 1)

    ABR_HOST_DEVICE operator Heads<const T>() const requires(!std::is_const_v<T>) {
        Heads<const T> heads{signal, {}};
        for (std::size_t c = 0; c < kComponents; ++c) heads.answer[c] = answer[c];
        return heads;
    }
};

// Sums over recordings, on the device.
struct LossSums {
    PerComponent<double> numerator;
    PerComponent<double> denominator;
};

Index loss_workspace(Index batch);  // doubles

template <class T>
struct LossArguments {
    Heads<const T> heads;
    Targets<T> targets;
    const T* class_weights;               // (K), 1 where none
    const PerComponent<double>* weights;  // of this epoch; not read if gradients is null
    LossSums* sums;                       // denominator read, numerator accumulated
    const Heads<T>* gradients;            // null in validation, else the members that heads has, overwritten
    double* workspace;                    // loss_workspace(batch)
};

namespace cpu {

// sums->denominator accumulated over the targets' rows, whether or not a head is built.
template <class T>
void loss_denominators(Stream&, const T* class_weights, const Targets<T>&, LossSums* sums);

template <class T>
void multi_task_loss(Stream&, const LossSettings&, const LossArguments<T>&);

}  // namespace cpu

namespace cuda {

template <class T>
void loss_denominators(Stream&, const T* class_weights, const Targets<T>&, LossSums* sums);
template <class T>
void multi_task_loss(Stream&, const LossSettings&, const LossArguments<T>&);

}  // namespace cuda
}  // namespace abr
