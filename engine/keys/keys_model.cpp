// Keys of [model], [loss] and [curriculum].
#include <fmt/format.h>

#include <algorithm>

#include "engine/config/curriculum.hpp"
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

template <Component component>
bool has_start(const Config& c) {
    return c.curriculum.starts[component].has_value();
}

// The first access gives a component the start that it has without one of its own.
template <Component component>
auto& start_at(Config& c) {
    auto& start = c.curriculum.starts[component];
    if (!start) start = start_epoch(c.curriculum, component);
    return *start;
}

// Writing any key of a component's ramp makes it.
template <Component component, auto member>
auto& ramp_at(Config& c) {
    auto& ramp = c.curriculum.ramps[component];
    if (!ramp) ramp.emplace();
    return (*ramp).*member;
}

// Whether it holds of some component that the key governs.
template <class Holds>
bool any_governed(const SharedStart& start, const Holds& holds) {
    return std::ranges::any_of(kAllComponents, [&](Component c) { return start.governs[c] && holds(c); });
}
bool any_has_start(const SharedStart& start, const Config& config) {
    return any_governed(start, [&](Component c) { return config.curriculum.starts[c].has_value(); });
}

// A shared start is in the resolved configuration as long as no component has one of its own; then each has.
// One that ramps replace for all that it governs is without effect, and refused where it is written.
template <std::size_t which>
bool shared_start_acts(const Config& config) {
    const SharedStart& start = kSharedStarts[which];
    return !any_has_start(start, config) &&
           any_governed(start, [&](Component c) { return !config.curriculum.ramps[c]; });
}
template <Component component>
bool own_start_acts(const Config& config) {
    if (has_start<component>(config)) return true;
    return !has_ramp<component>(config) && std::ranges::any_of(kSharedStarts, [&](const SharedStart& start) {
        return start.governs[component] && any_has_start(start, config);
    });
}
bool ramp_epochs_act(const Config& config) {
    return std::ranges::any_of(
        kAllComponents, [&](Component c) { return c != Component::signal && !config.curriculum.ramps[c]; });
}

template <auto member>
Field setting_field(const NetworkSetting<member>& setting) {
    if constexpr (std::is_enum_v<typename NetworkSetting<member>::Value>)
        return choice<at<&Config::model, member>>({setting.names.begin(), setting.names.end()});
    else
        return at<&Config::model, member>;
}

template <Component component>
void add_component(std::vector<Key>& keys) {
    const auto add = [&](std::string_view name, Field field, Range range, std::string_view unit,
                         std::string_view meaning, bool (*present)(const Config&) = has_ramp<component>) {
        const std::string section = "curriculum.";
        const std::string component_name(task_of(component).name);
        keys.push_back({.path = section + component_name + "." + std::string(name),
                        .field = std::move(field),
                        .range = range,
                        .unit = unit,
                        .meaning = std::string(meaning),
                        .present = present,
                        .documented_path = section + "<component>." + std::string(name)});
    };
    add("start", start_at<component>, kEpochs, "epoch",
        "first epoch of the component's loss, counted from 0; the three keys above set it for several",
        own_start_acts<component>);
    add("from", ramp_at<component, &ComponentRamp::from>, {0, 1000}, {},
        "factor on the component's weight before the ramp, which replaces its start and ramp above; r(e) = "
        "from + (to − from)·s(min(1, (e − start + 1)/epochs))");
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
                        .field = setting_field<member>(setting),
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
        if (!is_task(c) || is_labelled(c)) return;
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
    keys.push_back(
        {.path = "loss.peak_location.sd_ms",
         .field = at<&Config::loss, &LossConfig::location_sd_ms>,
         .range = {1e-3, 100},
         .unit = "ms",
         .meaning = "width of the density around a mark that the map pointing at wave V should have"});
}

void add_curriculum_keys(std::vector<Key>& keys) {
    keys.insert(keys.end(), {{.path = "curriculum.enabled",
                              .field = at<&Config::curriculum, &CurriculumConfig::enabled>,
                              .meaning = "off: every weight is final from epoch 0"},
                             {.path = "curriculum.class_start",
                              .field = at<&Config::curriculum, &CurriculumConfig::class_start>,
                              .range = kEpochs,
                              .unit = "epoch",
                              .meaning = "first epoch of the classification loss, counted from 0",
                              .present = shared_start_acts<0>},
                             {.path = "curriculum.peak_start",
                              .field = at<&Config::curriculum, &CurriculumConfig::peak_start>,
                              .range = kEpochs,
                              .unit = "epoch",
                              .meaning = "… of the losses of the peak",
                              .present = shared_start_acts<1>},
                             {.path = "curriculum.threshold_start",
                              .field = at<&Config::curriculum, &CurriculumConfig::threshold_start>,
                              .range = kEpochs,
                              .unit = "epoch",
                              .meaning = "… of the threshold loss",
                              .present = shared_start_acts<2>},
                             {.path = "curriculum.ramp_epochs",
                              .field = at<&Config::curriculum, &CurriculumConfig::ramp_epochs>,
                              .range = kEpochs,
                              .unit = "epochs",
                              .meaning = "length of the linear ramp after each start; 0 = at once",
                              .present = ramp_epochs_act}});
    for_each_component([&]<Component c>(ComponentConstant<c>) { add_component<c>(keys); });
}

}  // namespace abr
