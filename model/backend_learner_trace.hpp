// What a step computes, brought to the host: for tracing, and for the check that every parameter is reached.
#pragma once

#include <type_traits>

#include "kernels/philox.hpp"
#include "model/backend_learner.hpp"

namespace abr {

template <class S, template <class> class Buffer, class Members, class Losses>
std::vector<HostTensor> BackendLearner<S, Buffer, Members, Losses>::trace_step(std::int64_t step, Index begin,
                                                                               Index count) {
    begin_step(step, begin, count, 0);
    accumulate_gradients(count);
    stream_.synchronize();

    std::vector<HostTensor> tensors;
    // `stride` elements from one recording to the next, of which the first `columns` count.
    const auto add = [&](std::string name, const auto* device, Index columns, Index stride, bool vector) {
        if (device == nullptr) return;
        using Element = std::remove_cvref_t<decltype(*device)>;
        std::vector<Element> host(static_cast<std::size_t>((count - 1) * stride + columns));
        Buffer<Element>::read(device, host);
        HostTensor tensor{std::move(name), {count}, {}};
        if (!vector) tensor.shape.push_back(columns);
        for (Index b = 0; b < count; ++b)
            for (Index c = 0; c < columns; ++c)
                tensor.values.push_back(static_cast<float>(host[static_cast<std::size_t>(b * stride + c)]));
        tensors.push_back(std::move(tensor));
    };
    const Batch<float> batch = slice(memory_.batch.view(), 0, count);
    const Index length = settings_.shape.length;
    add("batch/signal", batch.input.row(0, 0), length, batch.input.sample_stride(), false);
    add("batch/statics", batch.statics.data, batch.statics.columns, batch.statics.columns, false);
    const auto name = [](const char* prefix, Component c) { return prefix + std::string(task_of(c).name); };
    const auto& t = batch.targets;
    add("batch/target", t.signal.data, length, length, false);
    for (const Component c : kAllComponents) {
        add(name("batch/", c), t.label[c], 1, 1, true);
        add(name("batch/", c), t.scalar[c], 1, 1, true);
    }

    const auto p = pass(memory_.value.data(), batch, 0, 0);
    const auto heads = network_.outputs(p);
    if (heads.signal.data != nullptr)
        add("outputs/signal", heads.signal.row(0, 0), length, heads.signal.sample_stride(), false);
    for (const Component c : kAllComponents) {
        const Index columns = settings_.shape.outputs(c);
        add(name("outputs/", c), heads.answer[c].data, columns, columns,
            task_of(c).kind != TaskKind::classes);
    }

    LossSums sums;
    memory_.sums.copy_to(std::span(&sums, 1));
    HostTensor losses{"losses", {static_cast<Index>(kComponents)}, {}};
    for (const Component c : kAllComponents)
        losses.values.push_back(
            sums.denominator[c] > 0 ? static_cast<float>(sums.numerator[c] / sums.denominator[c]) : 0.0f);
    tensors.push_back(std::move(losses));

    std::vector<float> gradient(static_cast<std::size_t>(size()));
    memory_.gradient.copy_to(gradient);
    for (const auto& spec : network_.parameters().specs()) {
        const float* first = gradient.data() + spec.offset;
        tensors.push_back({"gradients/" + spec.name, spec.shape, {first, first + spec.size}});
    }
    memory_.gradient.copy_from(std::vector<float>(gradient.size()));
    memory_.sums.copy_from(std::vector<LossSums>(1));
    return tensors;
}

template <class S, template <class> class Buffer, class Members, class Losses>
std::vector<std::string> BackendLearner<S, Buffer, Members, Losses>::tensors_without_gradient(
    std::span<const std::int32_t> order, const PerComponent<double>& weights) {
    const LearnerState before = state();
    std::vector<float> values = before.value;
    const std::uint64_t key = stream_key(settings_.seed, Purpose::gradient_check);
    for (const auto& spec : network_.parameters().specs()) {
        if (!spec.film) continue;
        for (Index e = spec.offset; e < spec.offset + spec.size; ++e) {
            const auto words = philox4x32(key, static_cast<std::uint32_t>(e), 0, 0, 0);
            values[static_cast<std::size_t>(e)] = 0.1f * (2 * to_uniform(words[0]) - 1);
        }
    }
    memory_.value.copy_from(values);
    // Every batch of the epoch until each tensor was reached: a rare label may be missing from the first
    // ones.
    begin_epoch(0, order, weights);
    std::vector<std::string> missing;
    for (Index begin = 0; begin < static_cast<Index>(order.size()); begin += rows_of_step()) {
        const Index count = std::min(rows_of_step(), static_cast<Index>(order.size()) - begin);
        begin_step(0, begin, count, 0);
        accumulate_gradients(count);
        std::vector<float> gradient(static_cast<std::size_t>(size()));
        stream_.synchronize();
        memory_.gradient.copy_to(gradient);
        missing.clear();
        for (const auto& spec : network_.parameters().specs()) {
            const float* g = gradient.data() + spec.offset;
            if (std::all_of(g, g + spec.size, [](float v) { return v == 0; })) missing.push_back(spec.name);
        }
        if (missing.empty()) break;
    }
    memory_.gradient.copy_from(std::vector<float>(static_cast<std::size_t>(size())));
    memory_.sums.copy_from(std::vector<LossSums>(1));
    restore(before);
    return missing;
}

}  // namespace abr
