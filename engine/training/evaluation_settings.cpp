#include "engine/training/evaluation_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "engine/error.hpp"

namespace abr {
namespace {

// In the order of Distance.
constexpr std::array<std::string_view, 3> kDistanceNames = {"mse", "l1", "huber"};

// The number of weights in the first checkpoints, which held the weights in the order of Component.
constexpr std::size_t kUnnamedWeights = 6;

// One list of the numbers serves writing, reading and checking; `limit`: what a value must be below.
template <class Settings, class Visit>
void for_each_number(Settings& settings, const Visit& visit) {
    visit("positive_weight", settings.loss.positive_weight, HUGE_VAL);
    visit("label_smoothing", settings.loss.label_smoothing, 1.0);
    visit("focal_gamma", settings.loss.focal_gamma, HUGE_VAL);
    visit("location_sd_ms", settings.loss.location_sd_ms, HUGE_VAL);
    visit("noise_sd", settings.degradation.noise_sd, HUGE_VAL);
    visit("degradation_probability", settings.degradation.probability, std::nextafter(1.0, 2.0));
}

// Younger than the first checkpoints, in which they are absent and off.
template <class Settings, class Visit>
void for_each_range(Settings& settings, const Visit& visit) {
    visit("coloured_sd", settings.degradation.coloured_sd);
    visit("mains_sd", settings.degradation.mains_sd);
}

template <class Settings, class Visit>
void for_each_distance(Settings& settings, const Visit& visit) {
    for (const Component c : kAllComponents)
        if (!is_labelled(c)) visit(task_of(c).name, settings.loss.distance[c]);
}

}  // namespace

EvaluationSettings evaluation_settings(const LearnerSettings& learner,
                                       const PerComponent<double>& final_weights) {
    return {.loss = learner.loss,
            .final_weights = final_weights,
            .seed = learner.seed,
            .degradation = learner.batch.degradation};
}

Json to_json(const EvaluationSettings& settings) {
    Json weights = Json::object();
    for (const Component c : kAllComponents)
        weights[std::string(task_of(c).name)] = settings.final_weights[c];
    Json temperature = Json::object();
    for (const Component c : kAllComponents)
        if (is_labelled(c)) temperature[std::string(task_of(c).name)] = settings.temperature[c];
    Json json = {{"seed", settings.seed},
                 {"final_weights", std::move(weights)},
                 {"temperature", std::move(temperature)}};
    for_each_number(settings, [&](const char* name, float value, double) { json[name] = value; });
    for_each_range(settings, [&](const char* name, const LogRange& range) {
        json[name] = {range.low, range.high};
    });
    for_each_distance(settings, [&](std::string_view name, const DistanceLoss& loss) {
        json[std::string(name)] = {{"type", kDistanceNames[static_cast<std::size_t>(loss.type)]},
                                   {"delta", loss.delta}};
    });
    return json;
}

EvaluationSettings evaluation_settings_from_json(const Json& json, Index classes, const std::string& file) {
    const auto check = [&](bool holds, std::string_view name, const Json& value) {
        if (holds) return;
        throw InputError(
            fmt::format("{}: metadata `evaluation`: {} = {} is out of range; expected a checkpoint "
                        "written by abr_engine",
                        file, name, value.dump()));
    };
    EvaluationSettings settings;
    settings.loss.classes = classes;
    json.at("seed").get_to(settings.seed);
    const Json& weights = json.at("final_weights");
    check(weights.is_object() || weights.size() == kUnnamedWeights, "final_weights", weights);
    for (const Component c : kAllComponents) {
        const auto index = static_cast<std::size_t>(c);
        if (weights.is_object())  // a task that is younger than the checkpoint has no head, and no weight
            settings.final_weights[c] = weights.value(std::string(task_of(c).name), 0.0);
        else if (index < kUnnamedWeights)
            weights.at(index).get_to(settings.final_weights[c]);
    }
    check(std::ranges::all_of(settings.final_weights.values,
                              [](double w) { return std::isfinite(w) && w >= 0; }),
          "final_weights", json.at("final_weights"));
    if (const auto found = json.find("temperature"); found != json.end()) {
        for (const Component c : kAllComponents)
            settings.temperature[c] = found->value(std::string(task_of(c).name), 1.0);
        check(std::ranges::all_of(settings.temperature.values,
                                  [](double t) { return std::isfinite(t) && t > 0; }),
              "temperature", *found);
    }
    for_each_number(settings, [&](const char* name, float& value, double limit) {
        if (!json.contains(name)) return;  // younger than the checkpoint
        json.at(name).get_to(value);
        check(value >= 0 && static_cast<double>(value) < limit, name, json.at(name));
    });
    check(settings.loss.location_sd_ms > 0, "location_sd_ms", json.value("location_sd_ms", Json()));
    for_each_range(settings, [&](const char* name, LogRange& range) {
        const auto found = json.find(name);
        if (found == json.end()) return;
        const auto [low, high] = found->get<std::array<float, 2>>();
        range = {low, high};
        check((low == 0 && high == 0) || (low > 0 && low <= high && std::isfinite(high)), name, *found);
    });
    for_each_distance(settings, [&](std::string_view name, DistanceLoss& loss) {
        const auto found = json.find(name);
        if (found == json.end()) return;  // of a task that is younger than the checkpoint
        const Json& entry = *found;
        const auto type = std::ranges::find(kDistanceNames, entry.at("type").get<std::string>());
        entry.at("delta").get_to(loss.delta);
        check(type != kDistanceNames.end() && std::isfinite(loss.delta) && loss.delta > 0, name, entry);
        loss.type = static_cast<Distance>(type - kDistanceNames.begin());
    });
    return settings;
}

}  // namespace abr
