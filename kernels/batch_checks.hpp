// Whether what an op is given of a batch fits together, as operand_checks.hpp asks of the network's ops.
#pragma once

#include <string_view>

#include "kernels/batch.hpp"
#include "kernels/evaluation.hpp"
#include "kernels/loss.hpp"
#include "kernels/operand_checks.hpp"

namespace abr {

// Heads, or gradients with respect to them, beside the signal's target. Those that are not built have no shape.
template <class T>
void check_heads(std::string_view op, const Heads<const T>& heads, const Matrix<T>& target, Index classes) {
    const NamedShape signal("target", target), restored("signal", heads.signal);
    const bool has_samples = restored.length >= target.columns && restored.channels == 1;
    check_operands(heads.signal.data == nullptr || (restored.batch == signal.batch && has_samples), op,
                   {signal, restored});
    for (const Component c : kAllComponents) {
        const NamedShape answer(task_of(c).name, heads.answer[c]);
        const Index wanted = task_of(c).kind == TaskKind::classes ? classes : 1;
        check_operands(
            heads.answer[c].data == nullptr || (answer.batch == signal.batch && answer.channels == wanted),
            op, {signal, answer});
    }
}

template <class T>
void check_loss(std::string_view op, const LossSettings& settings, const LossArguments<T>& a) {
    check_heads<T>(op, a.heads, a.targets.signal, settings.classes);
    if (a.gradients != nullptr) check_heads<T>(op, *a.gradients, a.targets.signal, settings.classes);
}

template <class T>
void check_batch(std::string_view op, const DeviceRecordings& recordings, const Batch<T>& batch) {
    const NamedShape input("input", batch.input), statics("statics", batch.statics),
        target("target", batch.targets.signal);
    const bool fit = input.channels == 1 && input.length >= recordings.length &&
                     statics.batch == input.batch && statics.channels == kStaticInputs &&
                     target.batch == input.batch && target.channels == recordings.length;
    check_operands(
        fit, op,
        {{"recordings", Matrix<const float>{recordings.signal, recordings.rows, recordings.length}},
         input,
         statics,
         target});
}

template <class T>
void check_evaluation(std::string_view op, const EvaluationArguments<T>& a) {
    check_batch(op, a.recordings, a.batch);
    check_heads<T>(op, a.heads, a.batch.targets.signal, a.classes);
}

}  // namespace abr
