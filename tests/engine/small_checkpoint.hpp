// A small checkpoint with another value in every place.
#pragma once

#include <cmath>
#include <filesystem>
#include <vector>

#include "engine/training/checkpoint.hpp"
#include "tests/engine/output_files.hpp"

namespace abr::test {

inline NetworkShape small_shape() {
    NetworkShape shape;
    shape.length = 30;
    shape.classes = 2;
    shape.base_channels = 4;
    shape.levels = 2;
    shape.kernel = 3;
    shape.stem_kernels = {3, 5};
    shape.stem_dilations = {1, 2};
    shape.groups = 2;
    shape.attention_layers = 1;
    shape.heads = 2;
    shape.embed_dim = 6;
    shape.head_hidden = 5;
    return shape;
}

// Different values in every place; those between tensors stay 0, as training leaves them.
inline std::vector<float> filled(const ParameterLayout& layout, float first) {
    std::vector<float> buffer(static_cast<std::size_t>(layout.size()));
    for (const ParameterSpec& spec : layout.specs())
        for (Index i = spec.offset; i < spec.offset + spec.size; ++i)
            buffer[static_cast<std::size_t>(i)] = first + 0.001f * static_cast<float>(i);
    return buffer;
}

inline Checkpoint checkpoint_of(const NetworkShape& shape) {
    const Network network(shape, 1);
    Checkpoint checkpoint;
    checkpoint.shape = shape;
    checkpoint.data = {{"A", "Bö \"quoted\""}, 0.05};
    auto& statistics = checkpoint.statistics;
    statistics.fill_age_years = 41.5;
    statistics.fill_rate_hz = 21.1;
    statistics.fill_fmp = 2.5;
    for (std::size_t i = 0; i < statistics.statics.size(); ++i)
        statistics.statics[i] = {0.1 * static_cast<double>(i), 1.0 / (3 + static_cast<double>(i))};
    statistics.target[Component::peak_latency] = {6.1, 0.7};
    statistics.target[Component::peak_amplitude] = {0.31, 0.12};
    statistics.target[Component::threshold] = {30.5, 18.25};
    statistics.class_counts = {700, 30};
    statistics.class_weights = {0.52, 12.2};
    auto& evaluation = checkpoint.evaluation;
    evaluation.loss = {
        .distance = per_component<DistanceLoss>({{Component::signal, {Distance::l1, 0.3f}},
                                                 {Component::peak_latency, {Distance::mse, 1}},
                                                 {Component::peak_amplitude, {Distance::huber, 0.1f}},
                                                 {Component::threshold, {Distance::huber, 2}}}),
        .positive_weight = 1.7f,
        .label_smoothing = 0.1f,
        .focal_gamma = 2,
        .classes = 2};
    evaluation.final_weights = {{0.8, 0.6, 1.2, 0, 2.5, 1}};
    evaluation.temperature[Component::peak_exist] = 1.0 / 3;
    evaluation.temperature[Component::classification] = 1.625;
    evaluation.seed = 0xFFFFFFFFFFFFFFFF;
    evaluation.degradation = {
        .noise_sd = 0.3f, .probability = 1, .coloured_sd = {0.25f, 4}, .mains_sd = {0.125f, 0.5f}};
    checkpoint.learner = {filled(network.parameters(), 1), filled(network.parameters(), 2),
                          filled(network.parameters(), 3), filled(network.parameters(), 4)};
    auto& progress = checkpoint.progress;
    progress.epoch = 3;
    progress.step = 50;
    progress.epoch_steps = {{48, 1e-3, 2.5, 1.1, {{0.1, 0.2, 0.3, 0.4, 0.5, 0.6}}},
                            {49, 9e-4, std::nan(""), 1.0 / 3, {{1, 2, 3, 4, 5, 6}}}};
    progress.best_f1 = {2, 0.61};
    progress.best_loss = {1, -3.25};
    progress.plateau = {3.25, 1, 2};
    return checkpoint;
}

inline void save_to(const std::filesystem::path& path, const Checkpoint& checkpoint) {
    put(path, serialize_checkpoint(checkpoint, Network(checkpoint.shape, 1).parameters()));
}

}  // namespace abr::test
