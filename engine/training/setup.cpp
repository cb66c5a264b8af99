#include "engine/training/setup.hpp"

#include "engine/config/curriculum.hpp"

namespace abr {
namespace {

NetworkShape network_shape(const NetworkSettings& model, const Dataset& dataset) {
    NetworkShape shape{model};
    shape.length = dataset.length;
    shape.static_inputs = kStaticInputs;
    shape.classes = static_cast<Index>(dataset.classes.size());
    for (const Component c : kAllComponents) shape.built[c] = dataset.is_on(c);
    return shape;
}

LossSettings loss_settings(const LossConfig& loss, std::size_t classes) {
    return {.distance = loss.distance,
            .positive_weight = static_cast<float>(loss.positive_weight),
            .label_smoothing = static_cast<float>(loss.label_smoothing),
            .focal_gamma = static_cast<float>(loss.focal_gamma),
            .classes = static_cast<Index>(classes),
            .location_sd_ms = static_cast<float>(loss.location_sd_ms)};
}

BatchSettings batch_settings(const Config& config, const Dataset& dataset) {
    BatchSettings batch;
    apply_statistics(dataset.statistics, batch);
    batch.sample_interval_ms = static_cast<float>(dataset.sample_interval_ms);
    batch.first_sample_ms = dataset.first_sample_ms;
    batch.augmentation = config.augmentation;
    batch.degradation = config.degradation;
    return batch;
}

// Gives the pointing head the times of samples, in the unit of its answer.
void place_samples(LearnerSettings& settings) {
    const Scaling& latency = settings.scaling[Component::peak_latency];
    const auto scale = static_cast<double>(latency.scale);
    settings.shape.first_place = (settings.batch.first_sample_ms - static_cast<double>(latency.mean)) / scale;
    settings.shape.place_step = settings.batch.sample_interval_ms / scale;
}

}  // namespace

Index step_recordings(const TrainingConfig& training) {
    return Index{training.batch_size} * training.accumulation;
}

std::int64_t steps_per_epoch(const Config& config, const Dataset& dataset) {
    const Index step = step_recordings(config.training);
    return (dataset.part(Split::train).rows + step - 1) / step;
}

FittedStatistics statistics_of(const Config& config, const Dataset& dataset) {
    FittedStatistics statistics = dataset.statistics;
    statistics.class_weights = class_weights(statistics.class_counts, config.loss);
    return statistics;
}

EpochSampler sampler_of(const Config& config, const Dataset& dataset) {
    return {config.training.sampler, dataset.part(Split::train).label[Component::classification],
            dataset.classes.size(), config.training.max_repeats, config.run.seed};
}

bool is_judged_by_f1(const Config& config, const Dataset& dataset) {
    return dataset.is_on(Component::classification) &&
           final_weights(config.loss, config.curriculum)[Component::classification] > 0;
}

PerComponent<Scaling> head_scaling(const FittedStatistics& statistics) {
    PerComponent<Scaling> scaling;
    for (const Component c : kScalars) {
        const Moments& target = statistics.target[c];
        // A target that does not vary on the training rows is learnt in its own unit.
        scaling[c] = {static_cast<float>(target.mean), static_cast<float>(target.sd > 0 ? target.sd : 1)};
    }
    return scaling;
}

LearnerSettings learner_settings(const Checkpoint& checkpoint) {
    LearnerSettings settings;
    settings.shape = checkpoint.shape;
    settings.loss = checkpoint.evaluation.loss;
    const auto& weights = checkpoint.statistics.class_weights;
    settings.class_weights.assign(weights.begin(), weights.end());
    apply_statistics(checkpoint.statistics, settings.batch);
    settings.batch.sample_interval_ms = static_cast<float>(checkpoint.data.sample_interval_ms);
    settings.batch.first_sample_ms = checkpoint.data.first_sample_ms;
    settings.batch.degradation = checkpoint.evaluation.degradation;
    settings.scaling = head_scaling(checkpoint.statistics);
    place_samples(settings);
    settings.seed = checkpoint.evaluation.seed;
    return settings;
}

LearnerSettings learner_settings(const Config& config, const Dataset& dataset) {
    LearnerSettings settings;
    settings.shape = network_shape(config.model, dataset);
    settings.loss = loss_settings(config.loss, dataset.classes.size());
    const auto weights = class_weights(dataset.statistics.class_counts, config.loss);
    settings.class_weights.assign(weights.begin(), weights.end());
    settings.batch = batch_settings(config, dataset);
    settings.scaling = head_scaling(dataset.statistics);
    place_samples(settings);
    settings.optimizer = {.beta1 = config.optimizer.beta1,
                          .beta2 = config.optimizer.beta2,
                          .epsilon = config.optimizer.epsilon,
                          .weight_decay = config.optimizer.weight_decay,
                          .gradient_clip = config.training.gradient_clip};
    settings.ema_decay = config.training.ema_decay;
    settings.rates = {static_cast<float>(config.optimizer.encoder_lr),
                      static_cast<float>(config.optimizer.decoder_lr),
                      static_cast<float>(config.optimizer.heads_lr), config.stage.freeze};
    settings.seed = config.run.seed;
    settings.batch_size = config.training.batch_size;
    settings.accumulation = config.training.accumulation;
    return settings;
}

}  // namespace abr
