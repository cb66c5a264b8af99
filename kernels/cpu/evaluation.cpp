#include "kernels/evaluation.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/evaluation_terms.hpp"

#include <algorithm>
#include <cmath>

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
    const HeadScaling& scaling = a.scaling;
    const Index r = a.order[b];
    const auto regression = [&](const T* head, float* physical_out, float mean, float scale) {
        if (head == nullptr || physical_out == nullptr) return;
        physical_out[r] = static_cast<float>(physical(head[b], mean, scale));
    };
    regression(heads.latency, out.latency_ms, scaling.latency_mean, scaling.latency_scale);
    regression(heads.amplitude, out.amplitude_uv, scaling.amplitude_mean, scaling.amplitude_scale);
    regression(heads.threshold, out.threshold_db, scaling.threshold_mean, scaling.threshold_scale);
    if (heads.exist != nullptr && out.exist_logit != nullptr) {
        out.exist_logit[r] = static_cast<float>(heads.exist[b]);
    }
    if (heads.logits.data != nullptr && out.logits != nullptr) {
        std::transform(heads.logits.row(b), heads.logits.row(b) + a.classes, out.logits + r * a.classes,
                       [](T logit) { return static_cast<float>(logit); });
    }
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
    const HeadScaling& scaling = a.scaling;
    const Index r = a.order[b];
    const auto regression = [&](RegressionSums& sums, const T* head, const T* masked, const float* target,
                                float mean, float scale) {
        if (head == nullptr || std::isnan(masked[b])) return;
        add(sums, physical(head[b], mean, scale), static_cast<double>(target[r]));
    };
    EvaluationSums& sums = *a.sums;
    regression(sums.latency, heads.latency, targets.latency, a.recordings.latency_ms, scaling.latency_mean,
               scaling.latency_scale);
    regression(sums.amplitude, heads.amplitude, targets.amplitude, a.recordings.amplitude_uv,
               scaling.amplitude_mean, scaling.amplitude_scale);
    regression(sums.threshold, heads.threshold, targets.threshold, a.recordings.threshold_db,
               scaling.threshold_mean, scaling.threshold_scale);
    if (heads.exist != nullptr && targets.exist[b] >= 0) {
        ++count_of(sums.exist, heads.exist[b] > T{0}, targets.exist[b] == 1);
    }
    if (heads.logits.data != nullptr && targets.label[b] >= 0) {
        const Index predicted = predicted_class(heads.logits.row(b), a.classes);
        ++a.confusion[targets.label[b] * a.classes + predicted];
    }
    if (heads.signal.data != nullptr) {
        sums.signal_count += static_cast<double>(targets.signal.columns);
        sums.signal_squared_error += a.workspace[b];
    }
}

}  // namespace

template <class T>
void accumulate_evaluation(Stream& stream, const EvaluationArguments<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    const Index batch = a.batch.input.batch;
    stream.parallel_for(batch, [&](Index b) { write_predictions(a, b); });
    for (Index b = 0; b < batch; ++b) add_to_sums(a, b);
}

template void accumulate_evaluation(Stream&, const EvaluationArguments<float>&);
template void accumulate_evaluation(Stream&, const EvaluationArguments<double>&);

}  // namespace cpu
}  // namespace abr
