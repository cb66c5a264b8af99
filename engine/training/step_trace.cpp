#include "engine/training/step_trace.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/config/curriculum.hpp"
#include "engine/error.hpp"
#include "engine/formats/safetensors.hpp"
#include "engine/output/file.hpp"
#include "engine/output/json.hpp"
#include "engine/training/checkpoint.hpp"
#include "engine/training/setup.hpp"
#include "engine/training/stage_weights.hpp"

namespace abr {

void write_step_trace(const Session& session, const TraceOptions& options) {
    const Config& config = session.stages().front();
    if (config.training.accumulation != 1)
        throw InputError("trace: training.accumulation must be 1; it shows one batch at a time");
    const LearnerSettings settings = learner_settings(config, session.dataset);
    const auto learner = session.learner(config);
    if (options.checkpoint.empty()) {
        initialise(*learner, session, config, {});
    } else {
        const Checkpoint checkpoint = load_checkpoint(options.checkpoint);
        if (!same_network(checkpoint.shape, settings.shape))
            throw InputError(options.checkpoint.string() +
                             ": a checkpoint of another network; expected the one that [model] and the data "
                             "describe");
        learner->restore(checkpoint.learner);
    }

    const auto order = sampler_of(config, session.dataset).order(0);
    const PerComponent<double> weights = epoch_weights(config.loss, config.curriculum, 0);
    learner->begin_epoch(0, order, weights);
    std::vector<HostTensor> tensors;
    const auto total = static_cast<Index>(order.size());
    for (Index i = 0; i < options.batches && i * settings.batch_size < total; ++i) {
        const Index begin = i * settings.batch_size;
        for (auto& tensor : learner->trace_step(i, begin, std::min(settings.batch_size, total - begin))) {
            const bool input = tensor.name.starts_with("batch/");
            if (input) tensor.name.insert(5, std::to_string(i));
            if (input || i == 0) tensors.push_back(std::move(tensor));
        }
    }
    tensors.push_back({"weights", {static_cast<Index>(kComponents)}, {}});
    for (const double weight : weights.values) tensors.back().values.push_back(static_cast<float>(weight));
    tensors.push_back({"class_weights", {settings.shape.classes}, settings.class_weights});

    // Of the samples in the unit of the latency's head, and how wide the map should be, in samples.
    const Json places = {
        {"first_place", settings.shape.first_place},
        {"place_step", settings.shape.place_step},
        {"sd", static_cast<double>(settings.loss.location_sd_ms) / settings.batch.sample_interval_ms}};
    std::vector<TensorSource> sources;
    for (const HostTensor& tensor : tensors)
        sources.push_back({tensor.name, TensorType::f32, tensor.shape, tensor.values.data()});
    write_file_atomically(
        options.out, serialize_safetensors(std::move(sources), {{"format", "abr_engine_trace"},
                                                                {"components", Json(kComponentNames).dump()},
                                                                {"places", places.dump()}}));
}

}  // namespace abr
