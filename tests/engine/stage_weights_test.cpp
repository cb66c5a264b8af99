// Weights from a file: what is loaded by name, what stays as it is, and what is refused.
#include "engine/training/stage_weights.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.hpp"
#include "engine/formats/safetensors.hpp"
#include "tests/engine/output_files.hpp"

using namespace abr;
using namespace abr::test;

namespace {

NetworkShape small_shape(Index classes = 2) {
    NetworkShape shape;
    shape.length = 30;
    shape.classes = classes;
    shape.base_channels = 4;
    shape.levels = 2;
    shape.kernel = 3;
    shape.groups = 2;
    shape.attention_layers = 0;
    shape.embed_dim = 6;
    shape.head_hidden = 5;
    return shape;
}

// A file of named tensors, of a network's at first, each filled with one number.
struct File {
    std::map<std::string, std::vector<Index>> shapes;
    std::map<std::string, float> values;
    TensorMetadata metadata;

    explicit File(const NetworkShape& shape) {
        const Network network(shape, 1);
        for (const ParameterSpec& spec : network.parameters().specs()) set(spec.name, spec.shape, 3);
    }
    void set(const std::string& name, std::vector<Index> shape, float value) {
        shapes[name] = std::move(shape);
        values[name] = value;
    }
    void remove(const std::string& name) { shapes.erase(name); }
    void write(const std::filesystem::path& path) const {
        std::map<std::string, std::vector<float>> data;
        std::vector<TensorSource> sources;
        for (const auto& [name, shape] : shapes) {
            Index size = 1;
            for (const Index extent : shape) size *= extent;
            data[name].assign(static_cast<std::size_t>(size), values.at(name));
            sources.push_back({name, TensorType::f32, shape, data[name].data()});
        }
        put(path, serialize_safetensors(std::move(sources), metadata));
    }
};

struct Loaded {
    WeightOrigin report;
    std::map<std::string, float> first;  // element of each tensor
};

StageConfig with_fresh(std::vector<std::string> parts) {
    StageConfig stage;
    stage.fresh = std::move(parts);
    return stage;
}

constexpr float kBefore = 7;

Loaded load(const File& file, const StageConfig& stage = {}) {
    const TemporaryFolder folder;
    file.write(folder.path / "x.safetensors");
    const Network network(small_shape(), 1);
    const ParameterLayout& layout = network.parameters();
    std::vector<float> values(static_cast<std::size_t>(layout.size()), kBefore);
    Loaded loaded;
    const std::vector<std::string> classes = {"A", "B"};
    loaded.report = load_weights(folder.path / "x.safetensors", stage, classes, layout, values);
    for (const ParameterSpec& spec : layout.specs()) {
        const auto begin = values.begin() + spec.offset;
        CHECK(std::all_of(begin, begin + spec.size, [&](float v) { return v == *begin; }));
        loaded.first[spec.name] = *begin;
    }
    return loaded;
}

std::string error_of(const File& file, const StageConfig& stage = {}) {
    StageConfig named = stage;
    named.name = "finetune";
    named.written_at = "run.toml:7:1";
    return message_of<InputError>([&] { load(file, named); });
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("stage weights: tensors are loaded by name, the rest is fresh or unused, and said") {
    File file(small_shape());
    const Loaded all = load(file);
    CHECK(all.report.fresh.empty());
    CHECK(all.report.unused.empty());
    for (const auto& [name, value] : all.first) CHECK(value == 3);

    file.remove("heads.threshold.first.weight");
    file.set("heads.mood.weight", {2}, 1);
    file.set("stem.mix.bias", {4}, 5);
    for (const char* state :
         {"optimizer/first_moment/stem.mix.bias", "statistics/fill", "progress/epoch_steps"})
        file.set(state, {1}, 1);
    const Loaded some = load(file, with_fresh({"heads.peak_exist", "decoder"}));
    CHECK(some.report.unused == Names{"heads.mood.weight"});
    for (const auto& [name, value] : some.first) {
        const bool fresh = name == "heads.threshold.first.weight" || name.starts_with("heads.peak_exist.") ||
                           name.starts_with("decoder.") || name.starts_with("signal_head.");
        CAPTURE(name);
        CHECK(value == (fresh ? kBefore : name == "stem.mix.bias" ? 5 : 3));
        CHECK(std::ranges::count(some.report.fresh, name) == fresh);
        CHECK(std::ranges::count(some.report.loaded, name) == !fresh);
    }
}

TEST_CASE("stage weights: the average of the weights is taken where there is one") {
    File file(small_shape());
    file.set("ema/stem.mix.bias", {4}, 9);
    CHECK(load(file).first.at("stem.mix.bias") == 9);
    CHECK(load(file).first.at("stem.mix.weight") == 3);
    CHECK(load(file).report.unused.empty());
}

TEST_CASE(
    "initialisation: another shape, other classes and numbers that are none are refused, unless fresh") {
    File shape(small_shape());
    shape.set("stem.mix.bias", {5}, 1);
    const std::string message = error_of(shape);
    CHECK(contains(message, "run.toml:7:1: stages.finetune.init_from: "));
    CHECK(contains(message, "x.safetensors: `stem.mix.bias` has shape [5], in this network [4]"));
    CHECK(contains(message, "stages.finetune.fresh"));
    CHECK(load(shape, with_fresh({"stem"})).first.at("stem.mix.bias") == kBefore);

    // Three classes: another last layer.
    const File classes(small_shape(3));
    CHECK(contains(error_of(classes), "heads.classification.second"));
    CHECK(error_of(classes, with_fresh({"heads.classification"})) == "nothing was thrown");

    // As many, and others.
    File other(small_shape());
    other.metadata["data"] = R"({"classes": ["A", "C"], "sample_interval_ms": 0.1})";
    CHECK(contains(error_of(other), "its classes are A, C, those of the data A, B"));
    CHECK(error_of(other, with_fresh({"heads.classification"})) == "nothing was thrown");
    other.metadata["data"] = R"({"classes": ["A", "B"]})";
    CHECK(error_of(other) == "nothing was thrown");
    for (const char* broken : {"[1", "{}", R"({"classes": 3})"}) {
        other.metadata["data"] = broken;
        CHECK(error_of(other) == "nothing was thrown");
    }

    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        File file(small_shape());
        file.set("encoder.0.block0.conv1.bias", {4}, bad);
        CHECK(contains(error_of(file), "`encoder.0.block0.conv1.bias` has a value that is not finite"));
    }
}

TEST_CASE("stage weights: a file without a tensor of the network, and one that is none, are refused") {
    File file(small_shape());
    file.shapes.clear();
    file.set("conv.weight", {2}, 1);
    const std::string message = error_of(file);
    CHECK(contains(message, "no tensor is loaded"));
    CHECK(contains(message, "conv.weight"));

    const TemporaryFolder folder;
    const Network network(small_shape(), 1);
    std::vector<float> values(static_cast<std::size_t>(network.parameters().size()));
    put(folder.path / "x.safetensors", "no safetensors");
    for (const char* name : {"x.safetensors", "missing.safetensors"})
        CHECK(contains(message_of<InputError>(
                           [&] { load_weights(folder.path / name, {}, {}, network.parameters(), values); }),
                       name));
}
