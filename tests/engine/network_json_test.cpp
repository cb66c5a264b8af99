#include "engine/training/network_json.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/error.hpp"
#include "tests/engine/output_files.hpp"

using namespace abr;
using namespace abr::test;

namespace {

NetworkShape read(const Json& json) {
    return network_from_json(json, "a.safetensors", "9.1");
}

// With other values than the defaults in every place.
NetworkShape unlike_the_default() {
    NetworkShape shape;
    shape.base_channels = 24;
    shape.levels = 3;
    shape.kernel = 5;
    shape.stem_kernels = {5, 9};
    shape.stem_dilations = {2, 3};
    shape.blocks_per_level = 2;
    shape.groups = 3;
    shape.attention_layers = 1;
    shape.heads = 12;
    shape.feed_forward = 2;
    shape.embed_dim = 20;
    shape.head_hidden = 30;
    shape.latency_head = LatencyHead::pool;
    shape.length = 190;
    shape.classes = 3;
    shape.built[Component::peak_latency] = false;
    return shape;
}

}  // namespace

TEST_CASE("network as JSON: what was written is read again") {
    CHECK(same_network(read(to_json(NetworkShape{})), NetworkShape{}));
    CHECK(same_network(read(to_json(unlike_the_default())), unlike_the_default()));
    CHECK(read(to_json(unlike_the_default())).stem_dilations == std::vector<int>{2, 3});
    CHECK_FALSE(to_json(NetworkShape{}).contains("dropout"));
}

TEST_CASE(
    "network as JSON: each setting that is missing takes its default, or what it was before there was it") {
    int settings = 0;
    for_each_network_setting([&]<auto member>(const NetworkSetting<member>& setting) {
        if (setting.training_only) return;
        const std::string name(setting.name);
        CAPTURE(name);
        Json json = to_json(NetworkShape{});
        REQUIRE(json.erase(name) == 1);
        NetworkShape expected;
        expected.*member = setting.before.value_or(expected.*member);
        CHECK(same_network(read(json), expected));
        ++settings;
    });
    CHECK(settings == 13);
    Json earlier = to_json(NetworkShape{});
    earlier.erase("latency_head");
    CHECK(read(earlier).latency_head == LatencyHead::pool);
}

TEST_CASE(
    "network as JSON: what the data decide has to be there, and nothing may be there that is not known") {
    for (const char* name : {"length", "static_inputs", "classes", "built"}) {
        Json json = to_json(NetworkShape{});
        json.erase(name);
        CHECK(contains(message_of<InputError>([&] { read(json); }),
                       "a.safetensors: metadata `model`: " + std::string(name) + " is missing"));
    }
    Json json = to_json(NetworkShape{});
    json["gate"] = true;
    CHECK(message_of<InputError>([&] { read(json); }) ==
          "a.safetensors: metadata `model`: this version knows no setting `gate`; use the version of "
          "abr_engine "
          "that wrote it (engine_version `9.1`)");
}

TEST_CASE("network as JSON: a name has to be one of its setting") {
    Json json = to_json(NetworkShape{});
    for (const Json& wrong : {Json("points"), Json(1)}) {
        json["latency_head"] = wrong;
        CHECK(message_of<InputError>([&] { read(json); }) ==
              "a.safetensors: metadata `model`: latency_head is none of pool, point; expected a checkpoint "
              "written "
              "by abr_engine");
    }
}

TEST_CASE("network as JSON: components that came later have no head") {
    Json json = to_json(NetworkShape{});
    json["built"] = {true, false, true};
    const NetworkShape shape = read(json);
    for (std::size_t c = 0; c < kComponents; ++c) CHECK(shape.built[c] == (c == 0 || c == 2));
}
