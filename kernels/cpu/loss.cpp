#include "kernels/loss.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/loss_terms.hpp"

#include <algorithm>
#include <cmath>

namespace abr {

Index loss_workspace(Index batch) {
    return batch * static_cast<Index>(kComponents);
}

namespace cpu {
namespace {

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
        const LossTerm term =
            distance(loss, static_cast<double>(restored[t]) - static_cast<double>(wanted[t]));
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
    terms[peak_exist] =
        existence_term(settings, heads.exist, targets.exist, b, scale[peak_exist], gradients.exist);
    terms[peak_latency] = regression_term(settings.peak_latency, heads.latency, targets.latency, b,
                                          scale[peak_latency], gradients.latency);
    terms[peak_amplitude] = regression_term(settings.peak_amplitude, heads.amplitude, targets.amplitude, b,
                                            scale[peak_amplitude], gradients.amplitude);
    terms[classification] = classification_term(settings, heads.logits, targets.label, a.class_weights, b,
                                                scale[classification], gradients.logits);
    terms[threshold] = regression_term(settings.threshold, heads.threshold, targets.threshold, b,
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
        for (std::size_t c = 0; c < kComponents; ++c)
            scale[c] = gradient_scale((*a.weights)[c], a.sums->denominator[c]);
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
