// The settings of the network `abr_unet`: the section [model] of a configuration, and what a checkpoint holds
// of its network. The one description below serves the configuration's keys, the checkpoint's `model`, and
// the tests' oracle (tests/oracle/network_settings.json): a new setting is a member, its lines below, and the
// part that uses it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/range.hpp"

namespace abr {

// How the latency of wave V is told: from pooled features, or by pointing at a sample (kernels/pointing.hpp).
enum class LatencyHead { pool, point };

struct NetworkSettings {
    int base_channels = 16;
    int levels = 4;
    int kernel = 7;
    std::vector<int> stem_kernels = {3, 7, 15};
    std::vector<int> stem_dilations = {1, 1, 1};
    int blocks_per_level = 1;
    int groups = 8;
    int attention_layers = 2;
    int heads = 8;
    int feed_forward = 4;
    int embed_dim = 128;
    int head_hidden = 128;
    LatencyHead latency_head = LatencyHead::point;
    double dropout = 0.1;
};

// What is said of the setting at `member_`, an int, a double, a list of int or an enumeration.
template <auto member_>
struct NetworkSetting {
    static constexpr auto member = member_;
    using Value = std::remove_reference_t<decltype(std::declval<NetworkSettings&>().*member_)>;
    std::string_view name;  // in [model] and in a checkpoint
    Range range = {};
    std::span<const std::string_view> names = {};  // of an enumeration, in its order
    std::string_view unit = {};
    std::string_view allowed = {};  // where the range does not say it all
    std::string_view meaning = {};
    // Whether trained weights mean the same under another value. A checkpoint holds all others. One that
    // lacks a setting was written before there was that setting, and means `before`, or else the default.
    bool training_only = false;
    std::optional<Value> before = {};
};

// Visits every setting, in the order of the tables that people read.
template <class Visit>
void for_each_network_setting(const Visit& visit) {
    using S = NetworkSettings;
    visit(NetworkSetting<&S::base_channels>{
        .name = "base_channels",
        .range = {2, 512},
        .unit = "channels",
        .meaning = "width of the first level, doubled at each further one; a multiple of `model.groups`"});
    visit(NetworkSetting<&S::levels>{.name = "levels",
                                     .range = {1, 8},
                                     .meaning = "resolutions of the encoder, each half the one before"});
    visit(NetworkSetting<&S::kernel>{.name = "kernel",
                                     .range = {1, 63},
                                     .unit = "samples",
                                     .allowed = "odd",
                                     .meaning = "width of the convolutions of the residual blocks"});
    visit(NetworkSetting<&S::stem_kernels>{.name = "stem_kernels",
                                           .range = {1, 63},
                                           .unit = "samples",
                                           .allowed = "1 … 8 odd numbers",
                                           .meaning = "widths of the parallel convolutions of the stem"});
    visit(NetworkSetting<&S::stem_dilations>{.name = "stem_dilations",
                                             .range = {1, 64},
                                             .unit = "samples",
                                             .allowed = "one for each stem kernel",
                                             .meaning = "their spacing between taps"});
    visit(NetworkSetting<&S::blocks_per_level>{
        .name = "blocks_per_level",
        .range = {1, 8},
        .meaning = "residual blocks of each level of encoder and decoder"});
    visit(NetworkSetting<&S::groups>{.name = "groups",
                                     .range = {1, 512},
                                     .allowed = "divides `model.base_channels`",
                                     .meaning = "groups of group norm"});
    visit(NetworkSetting<&S::attention_layers>{
        .name = "attention_layers", .range = {0, 16}, .meaning = "transformer blocks of the bottleneck"});
    visit(NetworkSetting<&S::heads>{.name = "heads",
                                    .range = {1, 64},
                                    .allowed = "divides the channels of the bottleneck",
                                    .meaning = "attention heads"});
    visit(NetworkSetting<&S::feed_forward>{.name = "feed_forward",
                                           .range = {1, 16},
                                           .unit = "× channels",
                                           .meaning = "hidden width of the transformer blocks"});
    visit(NetworkSetting<&S::embed_dim>{
        .name = "embed_dim", .range = {1, 4096}, .meaning = "width of the embedding of the static inputs"});
    visit(NetworkSetting<&S::head_hidden>{
        .name = "head_hidden", .range = {1, 4096}, .meaning = "hidden width of the task heads"});
    static constexpr std::string_view kLatencyHeads[] = {"pool", "point"};
    visit(NetworkSetting<&S::latency_head>{
        .name = "latency_head",
        .names = kLatencyHeads,
        .meaning =
            "how the latency of wave V is told: from pooled features, or by a map over the samples that "
            "points at it; amplitude and existence then read what stands there, too",
        .before = LatencyHead::pool});
    visit(NetworkSetting<&S::dropout>{.name = "dropout",
                                      .range = {.low = 0, .high = 1, .includes_high = false},
                                      .meaning = "probability that an activation is dropped in training",
                                      .training_only = true});
}

// Settings within their ranges that do not go together.
struct SettingContradiction {
    std::vector<std::string_view> settings;  // those that take part, by name
    std::string message;                     // names settings as keys, model.<name>
    std::string remedy;                      // may be empty
};
std::vector<SettingContradiction> contradictions(const NetworkSettings&);

}  // namespace abr
