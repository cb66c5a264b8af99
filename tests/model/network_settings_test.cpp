#include "model/network_settings.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>

#include "model/network.hpp"
#include "test_paths.hpp"

using namespace abr;

TEST_CASE("network settings: every default lies in its range, names differ, and nothing contradicts") {
    const NetworkSettings defaults;
    std::set<std::string_view> names;
    for_each_network_setting([&](const auto& setting) {
        CAPTURE(setting.name);
        CHECK(names.insert(setting.name).second);
        CHECK_FALSE(setting.meaning.empty());
        const auto& value = defaults.*setting.member;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_enum_v<Value>)
            CHECK(static_cast<std::size_t>(value) < setting.names.size());
        else if constexpr (std::is_arithmetic_v<Value>)
            CHECK(setting.range.contains(static_cast<double>(value)));
        else
            for (const int v : value) CHECK(setting.range.contains(v));
    });
    CHECK(contradictions(defaults).empty());
}

TEST_CASE("network settings: contradictions name the settings that take part") {
    const auto found = [](const auto& change) {
        NetworkSettings settings;
        change(settings);
        std::string text;
        for (const auto& contradiction : contradictions(settings))
            text += std::string(contradiction.settings.front()) + ": " + contradiction.message + "\n";
        return text;
    };
    CHECK(found([](NetworkSettings& s) { s.kernel = 8; }) == "kernel: must be odd\n");
    CHECK(found([](NetworkSettings& s) {
              s.stem_kernels = {3, 4, 5};
          }) == "stem_kernels: expected 1 to 8 odd numbers\n");
    CHECK(found([](NetworkSettings& s) { s.stem_dilations = {1}; }) ==
          "stem_dilations: model.stem_dilations has 1 numbers, model.stem_kernels 3\n");
    CHECK(found([](NetworkSettings& s) { s.groups = 3; }) ==
          "groups: model.groups = 3 must divide model.base_channels = 16\n");
    CHECK(found([](NetworkSettings& s) { s.levels = 8, s.base_channels = 512; }) ==
          "levels: model.base_channels = 512 and model.levels = 8 make 65536 channels at the bottleneck, at "
          "most 4096 are allowed\n");
    CHECK(found([](NetworkSettings& s) { s.heads = 3; }) ==
          "heads: model.heads = 3 must divide the 128 channels of the bottleneck\n");
    CHECK(found([](NetworkSettings& s) { s.heads = 3, s.attention_layers = 0; }).empty());
}

TEST_CASE("network settings: a network is another one by every setting but those of training alone") {
    const NetworkShape one;
    for_each_network_setting([&](const auto& setting) {
        CAPTURE(setting.name);
        NetworkShape other;
        auto& value = other.*setting.member;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_enum_v<Value>)
            value = static_cast<Value>(1 - static_cast<int>(value));
        else if constexpr (std::is_arithmetic_v<Value>)
            value = value == 0 ? 1 : value / 2;
        else
            value.pop_back();
        CHECK(same_network(one, other) == setting.training_only);
    });
    for (const auto member : {&NetworkShape::length, &NetworkShape::static_inputs, &NetworkShape::classes}) {
        NetworkShape other;
        ++(other.*member);
        CHECK_FALSE(same_network(one, other));
    }
    NetworkShape other;
    other.built[Component::threshold] = false;
    CHECK_FALSE(same_network(one, other));
    CHECK(same_network(one, NetworkShape{}));
}

// tests/oracle/network_shape.py reads it.
TEST_CASE("network settings: the oracle has the same ones, with the same defaults") {
    nlohmann::ordered_json expected;
    for_each_network_setting([&]<auto member>(const NetworkSetting<member>& setting) {
        if (setting.training_only) return;
        auto& value = expected[std::string(setting.name)];
        if constexpr (std::is_enum_v<typename NetworkSetting<member>::Value>)
            value = setting.names[static_cast<std::size_t>(NetworkSettings{}.*member)];
        else
            value = NetworkSettings{}.*member;
    });
    const std::string path = ABR_SOURCE_DIR "/tests/oracle/network_settings.json";
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    CHECK_MESSAGE(text.str() == expected.dump() + "\n", path, " has to hold\n", expected.dump());
}
