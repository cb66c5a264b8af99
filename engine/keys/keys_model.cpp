// Keys of [model], [loss] and [curriculum].
#include <fmt/format.h>

#include "engine/keys/key_members.hpp"

namespace abr {
namespace {

template <Component component>
auto& weight(Config& c) {
    return c.loss.weights[component];
}

template <Component component, auto member>
auto& distance_member(Config& c) {
    return c.loss.distance[component].*member;
}

template <Component component>
bool has_ramp(const Config& c) {
    return c.curriculum.ramps[component].has_value();
}

// Writing any key of a component's ramp makes it.
template <Component component, auto member>
auto& ramp_at(Config& c) {
    auto& ramp = c.curriculum.ramps[component];
    if (!ramp) ramp.emplace();
    return (*ramp).*member;
}

bool class_start_acts(const Config& c) {
    return !has_ramp<Component::classification>(c);
}
bool peak_start_acts(const Config& c) {
    return !(has_ramp<Component::peak_exist>(c) && has_ramp<Component::peak_latency>(c) &&
             has_ramp<Component::peak_amplitude>(c));
}
bool threshold_start_acts(const Config& c) {
    return !has_ramp<Component::threshold>(c);
}
bool any_start_acts(const Config& c) {
    return class_start_acts(c) || peak_start_acts(c) || threshold_start_acts(c);
}

template <Component component>
void add_ramp(std::vector<Key>& keys) {
    const auto add = [&](std::string_view name, Field field, Range range, std::string_view unit,
                         std::string_view meaning) {
        const std::string section = "curriculum.";
        const std::string component_name(task_of(component).name);
        keys.push_back({.path = section + component_name + "." + std::string(name),
                        .field = std::move(field),
                        .range = range,
                        .unit = unit,
                        .meaning = std::string(meaning),
                        .present = has_ramp<component>,
                        .documented_path = section + "<component>." + std::string(name)});
    };
    add("from", ramp_at<component, &ComponentRamp::from>, {0, 1000}, {},
        "factor on the component's weight before the ramp, which replaces its start and ramp; r(e) = "
        "from + (to − from)·s(min(1, (e + 1)/epochs))");
    add("to", ramp_at<component, &ComponentRamp::to>, {0, 1000}, {}, "factor at the ramp's end");
    add("epochs", ramp_at<component, &ComponentRamp::epochs>, {1, kManyEpochs}, "epochs",
        "length of the ramp");
    add("shape", choice<ramp_at<component, &ComponentRamp::shape>>({"linear", "cosine"}), {}, {},
        "s(x) = x, or (1 − cos πx)/2");
}

}  // namespace

void add_model_keys(std::vector<Key>& keys) {
    keys.insert(
        keys.end(),
        {{.path = "model.base_channels",
          .field = at<&Config::model, &ModelConfig::base_channels>,
          .range = {2, 512},
          .unit = "channels",
          .meaning = "width of the first level, doubled at each further one; a multiple of `model.groups`"},
         {.path = "model.levels",
          .field = at<&Config::model, &ModelConfig::levels>,
          .range = {1, 8},
          .meaning = "resolutions of the encoder, each half the one before"},
         {.path = "model.kernel",
          .field = at<&Config::model, &ModelConfig::kernel>,
          .range = {1, 63},
          .unit = "samples",
          .allowed = "odd",
          .meaning = "width of the convolutions of the residual blocks"},
         {.path = "model.stem_kernels",
          .field = at<&Config::model, &ModelConfig::stem_kernels>,
          .range = {1, 63},
          .unit = "samples",
          .allowed = "1 … 8 odd numbers",
          .meaning = "widths of the parallel convolutions of the stem"},
         {.path = "model.stem_dilations",
          .field = at<&Config::model, &ModelConfig::stem_dilations>,
          .range = {1, 64},
          .unit = "samples",
          .allowed = "one for each stem kernel",
          .meaning = "their spacing between taps"},
         {.path = "model.blocks_per_level",
          .field = at<&Config::model, &ModelConfig::blocks_per_level>,
          .range = {1, 8},
          .meaning = "residual blocks of each level of encoder and decoder"},
         {.path = "model.groups",
          .field = at<&Config::model, &ModelConfig::groups>,
          .range = {1, 512},
          .allowed = "divides `model.base_channels`",
          .meaning = "groups of group norm"},
         {.path = "model.attention_layers",
          .field = at<&Config::model, &ModelConfig::attention_layers>,
          .range = {0, 16},
          .meaning = "transformer blocks of the bottleneck"},
         {.path = "model.heads",
          .field = at<&Config::model, &ModelConfig::heads>,
          .range = {1, 64},
          .allowed = "divides the channels of the bottleneck",
          .meaning = "attention heads"},
         {.path = "model.feed_forward",
          .field = at<&Config::model, &ModelConfig::feed_forward>,
          .range = {1, 16},
          .unit = "× channels",
          .meaning = "hidden width of the transformer blocks"},
         {.path = "model.embed_dim",
          .field = at<&Config::model, &ModelConfig::embed_dim>,
          .range = {1, 4096},
          .meaning = "width of the embedding of the static inputs"},
         {.path = "model.head_hidden",
          .field = at<&Config::model, &ModelConfig::head_hidden>,
          .range = {1, 4096},
          .meaning = "hidden width of the task heads"},
         {.path = "model.dropout",
          .field = at<&Config::model, &ModelConfig::dropout>,
          .range = kBelowOne,
          .meaning = "probability that an activation is dropped in training"}});
}

void add_loss_keys(std::vector<Key>& keys) {
    keys.insert(
        keys.end(),
        {{.path = "loss.class_weights",
          .field = ClassWeightsField{},
          .range = kWeight,
          .meaning =
              "weights of the classes: none, by their rarity in the training split, or one for each of "
              "`data.classes`, not all 0"},
         {.path = "loss.class_weight_power",
          .field = at<&Config::loss, &LossConfig::class_weight_power>,
          .range = {0, 4},
          .allowed = "other than 1 with balanced weights only",
          .meaning = "a class weighs (N / (K·n))^power"},
         {.path = "loss.label_smoothing",
          .field = at<&Config::loss, &LossConfig::label_smoothing>,
          .range = kBelowOne,
          .meaning = "share of the target spread evenly over the classes"},
         {.path = "loss.focal_gamma",
          .field = at<&Config::loss, &LossConfig::focal_gamma>,
          .range = {0, 10},
          .meaning = "exponent of the focal factor (1 − p)^γ; 0 = plain cross-entropy"}});
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        keys.push_back(
            {.path = fmt::format("loss.weights.{}", task_of(c).name),
             .field = weight<c>,
             .range = kWeight,
             .meaning = fmt::format("weight of the loss of the {} in the total; a written weight above 0 "
                                    "needs labels, not all weights are 0",
                                    task_of(c).description)});
    });
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        if (is_labelled(c)) return;
        const auto section = fmt::format("loss.{}.", task_of(c).name);
        keys.push_back({.path = section + "type",
                        .field = choice<distance_member<c, &DistanceLoss::type>>({"mse", "l1", "huber"}),
                        .meaning = "distance between prediction and target"});
        keys.push_back({.path = section + "delta",
                        .field = distance_member<c, &DistanceLoss::delta>,
                        .range = kPositive,
                        .unit = "sd of the target",
                        .meaning = "where huber turns from square to linear"});
    });
    keys.push_back({.path = "loss.peak_exist.positive_weight",
                    .field = at<&Config::loss, &LossConfig::positive_weight>,
                    .range = kPositive,
                    .meaning = "how many times a recording with wave V counts"});
}

void add_curriculum_keys(std::vector<Key>& keys) {
    // A start that ramps replace for all it governs is without effect, and refused where it is written.
    keys.insert(keys.end(), {{.path = "curriculum.enabled",
                              .field = at<&Config::curriculum, &CurriculumConfig::enabled>,
                              .meaning = "off: every weight is final from epoch 0"},
                             {.path = "curriculum.class_start",
                              .field = at<&Config::curriculum, &CurriculumConfig::class_start>,
                              .range = kEpochs,
                              .unit = "epoch",
                              .meaning = "first epoch of the classification loss, counted from 0",
                              .present = class_start_acts},
                             {.path = "curriculum.peak_start",
                              .field = at<&Config::curriculum, &CurriculumConfig::peak_start>,
                              .range = kEpochs,
                              .unit = "epoch",
                              .meaning = "… of the three peak losses",
                              .present = peak_start_acts},
                             {.path = "curriculum.threshold_start",
                              .field = at<&Config::curriculum, &CurriculumConfig::threshold_start>,
                              .range = kEpochs,
                              .unit = "epoch",
                              .meaning = "… of the threshold loss",
                              .present = threshold_start_acts},
                             {.path = "curriculum.ramp_epochs",
                              .field = at<&Config::curriculum, &CurriculumConfig::ramp_epochs>,
                              .range = kEpochs,
                              .unit = "epochs",
                              .meaning = "length of the linear ramp after each start; 0 = at once",
                              .present = any_start_acts}});
    for_each_component([&]<Component c>(ComponentConstant<c>) { add_ramp<c>(keys); });
}

}  // namespace abr
