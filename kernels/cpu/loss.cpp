#include "kernels/loss.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/batch_checks.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/loss_terms.hpp"

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
    const Heads<T> none;
    const Heads<T>& gradients = a.gradients != nullptr ? *a.gradients : none;
    PerComponent<double> terms;
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        if constexpr (task_of(c).kind != TaskKind::signal)
            terms[c] = task_term<c>(settings, a.heads, a.targets, a.class_weights, b, scale[c], gradients);
        else if (a.heads.signal.data != nullptr)
            terms[c] = signal_term(settings.distance[c], a.heads.signal, a.targets.signal, b, scale[c],
                                   gradients.signal.data != nullptr ? &gradients.signal : nullptr);
    });
    return terms;
}

}  // namespace

template <class T>
void loss_denominators(Stream& stream, const T* class_weights, const Targets<T>& targets, LossSums* sums) {
    const ProfileScope scope(stream.profile(), __func__);
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        double& count = sums->denominator[c];
        if constexpr (task_of(c).kind == TaskKind::signal)
            count += static_cast<double>(targets.signal.size());
        else
            for (Index b = 0; b < targets.signal.rows; ++b)
                count += task_denominator<c>(targets, class_weights, b);
    });
}

template <class T>
void multi_task_loss(Stream& stream, const LossSettings& settings, const LossArguments<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    check_loss(__func__, settings, a);
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
