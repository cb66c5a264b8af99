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
    for_each_network_setting([&]<auto member>(const NetworkSetting<member>& setting) {
        keys.push_back({.path = "model." + std::string(setting.name),
                        .field = at<&Config::model, member>,
                        .range = setting.range,
                        .unit = setting.unit,
                        .allowed = setting.allowed,
                        .meaning = std::string(setting.meaning)});
    });
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
