// The components of the loss, in the order of every table that the engine writes: the tasks of the network, and behind
// them further losses, which read what the tasks' network computes (model/further_losses.hpp). What has one entry a task
// follows from kTasks: heads and targets, columns and configuration keys, metrics.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kernels/host_device.hpp"

namespace abr {

// Checkpoints hold values by this order: a new one goes to the end.
enum class Component {
    signal,
    peak_exist,
    peak_latency,
    peak_amplitude,
    classification,
    threshold,
    peak_location
};
inline constexpr std::size_t kComponents = 7;

// One value for each component, indexed by Component.
template <class T>
struct PerComponent {
    std::array<T, kComponents> values{};
    ABR_HOST_DEVICE constexpr T& operator[](Component c) { return values[static_cast<std::size_t>(c)]; }
    ABR_HOST_DEVICE constexpr const T& operator[](Component c) const {
        return values[static_cast<std::size_t>(c)];
    }
    ABR_HOST_DEVICE constexpr T& operator[](std::size_t i) { return values[i]; }
    ABR_HOST_DEVICE constexpr const T& operator[](std::size_t i) const { return values[i]; }
    bool operator==(const PerComponent&) const = default;
};

// The values of the components that are named, a default one of the others.
template <class T>
constexpr PerComponent<T> per_component(std::initializer_list<std::pair<Component, T>> named) {
    PerComponent<T> values;
    for (const auto& [component, value] : named) values[component] = value;
    return values;
}

enum class TaskKind {
    signal,   // the clean signal, a value for each sample
    binary,   // yes or no: a logit
    scalar,   // a number, standardised by the training rows
    classes,  // one of K: logits
    none,     // a further loss: no head, no labels
};

// What a scalar target does when the recording is shifted or scaled: a time moves with it, and is masked beyond the
// recording's ends; a size grows with it.
enum class Follows { nothing, shift, scale };

inline constexpr std::size_t kTolerances = 3;

struct Task {
    std::string_view name;         // of its loss: keys, columns, tags
    std::string_view description;  // for people
    TaskKind kind;
    double default_weight;
    // The column of the label in a table of recordings, under our name, and the task whose label it is: a binary task
    // is labelled by whether another one's is there, and a further loss may go by the recordings that another one's
    // labels name.
    std::string_view label_column = {};
    Component labelled_by = Component::signal;
    std::string_view answer =
        {};  // in columns of predictions: <answer>_true_<unit>, <answer>_predicted_<unit>
    std::string_view unit = {};
    std::string_view display_unit = {};
    Follows follows = Follows::nothing;
    bool may_be_negative = true;  // a scalar label
    // Errors of a scalar task, in its unit, up to which the share of recordings is told; 0 = none.
    std::array<double, kTolerances> tolerances = {};
};

inline constexpr std::array<Task, kComponents> kTasks = {{
    {.name = "signal", .description = "restored signal", .kind = TaskKind::signal, .default_weight = 0.8},
    {.name = "peak_exist",
     .description = "existence of wave V",
     .kind = TaskKind::binary,
     .default_weight = 0.6,
     .label_column = "wave_v_latency_ms",
     .labelled_by = Component::peak_latency,
     .answer = "wave_v"},
    {.name = "peak_latency",
     .description = "latency of wave V",
     .kind = TaskKind::scalar,
     .default_weight = 1.2,
     .label_column = "wave_v_latency_ms",
     .labelled_by = Component::peak_latency,
     .answer = "latency",
     .unit = "ms",
     .display_unit = "ms",
     .follows = Follows::shift,
     .may_be_negative = false,
     .tolerances = {0.1, 0.2, 0.5}},
    {.name = "peak_amplitude",
     .description = "amplitude of wave V",
     .kind = TaskKind::scalar,
     .default_weight = 1.2,
     .label_column = "wave_v_amplitude_uv",
     .labelled_by = Component::peak_amplitude,
     .answer = "amplitude",
     .unit = "uv",
     .display_unit = "µV",
     .follows = Follows::scale},
    {.name = "classification",
     .description = "class",
     .kind = TaskKind::classes,
     .default_weight = 2.5,
     .label_column = "class",
     .labelled_by = Component::classification,
     .answer = "class"},
    {.name = "threshold",
     .description = "hearing threshold",
     .kind = TaskKind::scalar,
     .default_weight = 1.0,
     .label_column = "threshold_db",
     .labelled_by = Component::threshold,
     .answer = "threshold",
     .unit = "db",
     .display_unit = "dB nHL",
     .tolerances = {5, 10, 15}},
    {.name = "peak_location",
     .description = "map that points at wave V",
     .kind = TaskKind::none,
     .default_weight = 0.5,
     .labelled_by = Component::peak_latency},
}};

constexpr const Task& task_of(Component c) {
    return kTasks[static_cast<std::size_t>(c)];
}

inline constexpr std::array<std::string_view, kComponents> kComponentNames = [] {
    std::array<std::string_view, kComponents> names;
    for (std::size_t c = 0; c < kComponents; ++c) names[c] = kTasks[c].name;
    return names;
}();

// The order of metrics: what is looked at first comes first.
inline constexpr std::array<Component, kComponents> kMetricOrder = {
    Component::classification, Component::peak_exist, Component::peak_latency, Component::peak_amplitude,
    Component::signal,         Component::threshold,  Component::peak_location};

inline constexpr std::array<Component, kComponents> kAllComponents = [] {
    std::array<Component, kComponents> all{};
    for (std::size_t c = 0; c < kComponents; ++c) all[c] = static_cast<Component>(c);
    return all;
}();

// Whether the network has a head for it. A further loss that is off leaves no trace in any table.
constexpr bool is_task(Component c) {
    return task_of(c).kind != TaskKind::none;
}
inline constexpr auto kTaskCount =
    static_cast<std::size_t>(std::count_if(kAllComponents.begin(), kAllComponents.end(), is_task));
constexpr bool is_scalar(Component c) {
    return task_of(c).kind == TaskKind::scalar;
}
// Whether a target is a whole number: a class, or yes and no.
constexpr bool is_labelled(Component c) {
    return task_of(c).kind == TaskKind::classes || task_of(c).kind == TaskKind::binary;
}

// Whether the task has a column of labels of its own.
constexpr bool has_label_column(Component c) {
    return !task_of(c).label_column.empty() && task_of(c).labelled_by == c;
}

// What `of` says of each component.
template <class Of>
constexpr auto per_component(const Of& of) -> PerComponent<decltype(of(Component{}))> {
    PerComponent<decltype(of(Component{}))> values{};
    for (const Component c : kAllComponents) values[c] = of(c);
    return values;
}

// The scalar tasks, in the order of the table.
inline constexpr std::size_t kScalarTasks =
    static_cast<std::size_t>(std::count_if(kAllComponents.begin(), kAllComponents.end(), is_scalar));
inline constexpr std::size_t kLabelTasks =
    static_cast<std::size_t>(std::count_if(kAllComponents.begin(), kAllComponents.end(), is_labelled));
inline constexpr std::array<Component, kScalarTasks> kScalars = [] {
    std::array<Component, kScalarTasks> scalars{};
    std::copy_if(kAllComponents.begin(), kAllComponents.end(), scalars.begin(), is_scalar);
    return scalars;
}();

template <Component c>
using ComponentConstant = std::integral_constant<Component, c>;

// visit(ComponentConstant<c>{}) for every component in order: code for a task's kind is chosen when it is compiled, as
// device code needs it.
template <class Visit>
ABR_HOST_DEVICE constexpr void for_each_component(const Visit& visit) {
    [&]<std::size_t... c>(std::index_sequence<c...>) {
        (visit(ComponentConstant<static_cast<Component>(c)>{}), ...);
    }
    (std::make_index_sequence<kComponents>{});
}

}  // namespace abr
