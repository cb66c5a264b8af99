#include "kernels/evaluation.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/batch_checks.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/evaluation_terms.hpp"

namespace abr {

Index evaluation_workspace(Index batch) {
    return batch;
}

namespace cpu {
namespace {

// z-scored input, clean and restored signal of a recording (T samples each) and its sd in uV.
template <class T>
SignalMetrics measure_signal(const T* input, const T* clean, const T* restored, Index length, double sd) {
    const auto count = static_cast<double>(length);
    double clean_mean = 0, restored_mean = 0, noise = 0, error = 0;
    for (Index t = 0; t < length; ++t) {
        const auto wanted = static_cast<double>(clean[t]);
        const double before = static_cast<double>(input[t]) - wanted;
        const double after = static_cast<double>(restored[t]) - wanted;
        clean_mean += wanted;
        restored_mean += static_cast<double>(restored[t]);
        noise += before * before;
        error += after * after;
    }
    clean_mean /= count;
    restored_mean /= count;
    double clean_squares = 0, restored_squares = 0, products = 0;
    for (Index t = 0; t < length; ++t) {
        const double x = static_cast<double>(clean[t]) - clean_mean;
        const double y = static_cast<double>(restored[t]) - restored_mean;
        clean_squares += x * x;
        restored_squares += y * y;
        products += x * y;
    }
    return signal_metrics(count, sd, noise, error, clean_squares, restored_squares, products);
}

// What belongs to recording b alone: its predictions, and its squared error of the signal.
template <class T>
void write_predictions(const EvaluationArguments<T>& a, Index b) {
    const Heads<const T>& heads = a.heads;
    const Predictions& out = a.predictions;
    const Index r = a.order[b];
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        const Matrix<const T>& head = heads.answer[c];  // null where the component has none
        if (head.data == nullptr || out.answer[c] == nullptr) return;
        const T* answer = head.row(b);
        if constexpr (task_of(c).kind == TaskKind::scalar)
            out.answer[c][r] = static_cast<float>(physical(*answer, a.scaling[c]));
        else
            std::transform(answer, answer + head.columns, out.answer[c] + r * head.columns,
                           [](T logit) { return static_cast<float>(logit); });
    });
    if (heads.signal.data == nullptr) return;

    const T* restored = heads.signal.row(b, 0);
    const Matrix<T>& clean = a.batch.targets.signal;
    const Index length = clean.columns;
    const auto sd = static_cast<double>(a.batch.sd[b]);
    const SignalMetrics metrics =
        measure_signal<T>(a.batch.input.row(b, 0), clean.row(b), restored, length, sd);
    a.workspace[b] = metrics.squared_error;
    if (out.signal_correlation != nullptr)
        out.signal_correlation[r] = static_cast<float>(metrics.correlation);
    if (out.signal_snr_gain_db != nullptr)
        out.signal_snr_gain_db[r] = static_cast<float>(metrics.snr_gain_db);
    if (out.restored_uv != nullptr) {
        const auto mean = static_cast<double>(a.batch.mean[b]);
        std::transform(restored, restored + length, out.restored_uv + r * length,
                       [=](T z) { return static_cast<float>(static_cast<double>(z) * sd + mean); });
    }
}

// Recording b's share of the split's counts and sums.
template <class T>
void add_to_sums(const EvaluationArguments<T>& a, Index b) {
    const Heads<const T>& heads = a.heads;
    const Targets<T>& targets = a.batch.targets;
    EvaluationSums& sums = *a.sums;
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        constexpr TaskKind kKind = task_of(c).kind;
        if (heads.answer[c].data == nullptr) return;
        const T* answer = heads.answer[c].row(b);
        if constexpr (kKind == TaskKind::scalar) {
            if (!std::isnan(targets.scalar[c][b]))
                add(sums.scalar[c], physical(*answer, a.scaling[c]),
                    static_cast<double>(a.recordings.scalar[c][a.order[b]]));
        } else if constexpr (kKind == TaskKind::binary) {
            const std::int32_t label = targets.label[c][b];
            if (label >= 0) ++count_of(sums.binary[c], *answer > T{0}, label == 1);
        } else if constexpr (kKind == TaskKind::classes) {
            const std::int32_t label = targets.label[c][b];
            if (label >= 0) ++a.confusion[label * a.classes + predicted_class(answer, a.classes)];
        }
    });
    if (heads.signal.data != nullptr) {
        sums.signal_count += static_cast<double>(targets.signal.columns);
        sums.signal_squared_error += a.workspace[b];
    }
}

}  // namespace

template <class T>
void accumulate_evaluation(Stream& stream, const EvaluationArguments<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    check_evaluation(__func__, a);
    const Index batch = a.batch.input.batch;
    stream.parallel_for(batch, [&](Index b) { write_predictions(a, b); });
    for (Index b = 0; b < batch; ++b) add_to_sums(a, b);
}

template void accumulate_evaluation(Stream&, const EvaluationArguments<float>&);
template void accumulate_evaluation(Stream&, const EvaluationArguments<double>&);

}  // namespace cpu
}  // namespace abr
