// The evaluation of a split.
#pragma once

#include "kernels/evaluation.hpp"
#include "kernels/sequence_ops.hpp"
#include "model/backend_learner.hpp"

namespace abr {

template <class S, template <class> class Buffer, class Members, class Losses>
Evaluation BackendLearner<S, Buffer, Members, Losses>::evaluate(const DeviceRecordings& split,
                                                                bool with_samples) {
    const NetworkShape& shape = settings_.shape;
    const ResidentRecordings<Buffer> resident(split);
    const DeviceRecordings& recordings = resident.view();
    const Index n = recordings.rows;
    const bool own_target = recordings.clean != nullptr;
    const float* parameters = memory_.ema.size() > 0 ? memory_.ema.data() : memory_.value.data();

    std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int32_t>(i);
    Buffer<std::int32_t> order(n);
    order.copy_from(rows);
    const Index restored_columns = with_samples && shape.built[Component::signal] ? shape.length : 0;
    const Index map_columns = with_samples && shape.has_pointer() ? shape.length : 0;
    Index answer_columns = 0;
    for (const Component c : kAllComponents) answer_columns += shape.outputs(c);
    Buffer<float> outputs(n * (answer_columns + 2 + restored_columns + map_columns));
    float* next = outputs.data();
    const auto take = [&](bool built, Index columns) {
        return built ? std::exchange(next, next + n * columns) : nullptr;
    };
    Predictions predictions;
    for (const Component c : kAllComponents)
        predictions.answer[c] = take(shape.outputs(c) > 0, shape.outputs(c));
    predictions.signal_correlation = take(shape.built[Component::signal], 1);
    predictions.signal_snr_gain_db = take(shape.built[Component::signal], 1);
    predictions.restored_uv = take(restored_columns > 0, restored_columns);
    float* const map = take(map_columns > 0, map_columns);
    Buffer<std::int64_t> confusion(shape.classes * shape.classes);
    Buffer<EvaluationSums> sums(1);
    Buffer<LossSums> losses(1);

    // One pass over a batch: `heads` are those of its outputs that count in this mode.
    const auto run = [&](BatchMode mode, Index first, Index count, bool with_signal, bool with_tasks) {
        const Batch<float> batch = slice(memory_.batch.view(), 0, count);
        gather_batch<float>(stream_, recordings, settings_.batch, mode, order.data(), memory_.state.data(),
                            first, batch);
        const auto p = pass(parameters, batch, first, 0);
        network_.forward(p);
        if (map != nullptr && with_tasks)
            copy<float>(stream_, p.value(network_.tensors().map),
                        {map + first * map_columns, count, 1, map_columns, 0}, Write::overwrite);
        Heads<const float> heads = network_.outputs(p);
        if (!with_signal) heads.signal = {};
        if (!with_tasks) heads.answer = {};
        // Without a clean signal each batch passes twice; its recordings count once.
        if (with_tasks) {
            loss_denominators<float>(stream_, memory_.class_weights.data(), batch.targets, losses.data());
            losses_.count(stream_, batch, losses.data());
            add_further_losses(p, batch, nullptr, losses.data());
        }
        multi_task_loss<float>(stream_, settings_.loss,
                               {.heads = heads,
                                .targets = batch.targets,
                                .class_weights = memory_.class_weights.data(),
                                .weights = nullptr,
                                .sums = losses.data(),
                                .gradients = nullptr,
                                .workspace = memory_.sums_workspace.data()});
        accumulate_evaluation<float>(stream_, {.recordings = recordings,
                                               .order = order.data() + first,
                                               .batch = batch,
                                               .heads = heads,
                                               .scaling = settings_.scaling,
                                               .classes = shape.classes,
                                               .predictions = predictions,
                                               .confusion = confusion.data(),
                                               .sums = sums.data(),
                                               .workspace = memory_.sums_workspace.data()});
    };
    enter(StepPhase::evaluation);
    write_step_state(stream_, {.seed = settings_.seed}, memory_.state.data());
    for (Index first = 0; first < n; first += settings_.batch_size) {
        const Index count = std::min(settings_.batch_size, n - first);
        run(BatchMode::validation, first, count, own_target, true);
        if (!own_target && shape.built[Component::signal])
            run(BatchMode::validation_degraded, first, count, true, false);
    }

    stream_.synchronize();
    Evaluation result;
    result.rows = n;
    const auto host = [&](const float* device, Index columns) {
        std::vector<float> values(device ? static_cast<std::size_t>(n * columns) : 0);
        Buffer<float>::read(device, values);
        return values;
    };
    for (const Component c : kAllComponents) result.answer[c] = host(predictions.answer[c], shape.outputs(c));
    result.signal_correlation = host(predictions.signal_correlation, 1);
    result.signal_snr_gain_db = host(predictions.signal_snr_gain_db, 1);
    result.restored_uv = host(predictions.restored_uv, restored_columns);
    result.wave_v_map = host(map, map_columns);
    result.confusion.resize(static_cast<std::size_t>(confusion.size()));
    confusion.copy_to(result.confusion);
    sums.copy_to(std::span(&result.sums, 1));
    losses.copy_to(std::span(&result.losses, 1));
    return result;
}

}  // namespace abr
