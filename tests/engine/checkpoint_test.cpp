#include "engine/training/checkpoint.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>

#include "engine/error.hpp"
#include "engine/formats/safetensors.hpp"
#include "engine/output/json.hpp"
#include "tests/engine/output_files.hpp"
#include "tests/engine/small_checkpoint.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// A checkpoint's file taken apart, to be put together with a defect.
struct Parts {
    struct Tensor {
        TensorType type;
        std::vector<std::int64_t> shape;
        std::string bytes;
    };
    std::map<std::string, Tensor> tensors;
    TensorMetadata metadata;

    explicit Parts(const std::filesystem::path& path) {
        const auto file = SafetensorsFile::open(path);
        metadata = file.metadata();
        for (const auto& [name, entry] : file.entries()) {
            const auto bytes = file.bytes(name, entry.type, entry.shape);
            tensors[name] = {entry.type, entry.shape, std::string(bytes.begin(), bytes.end())};
        }
    }
    void write(const std::filesystem::path& path) const {
        std::vector<TensorSource> sources;
        for (const auto& [name, tensor] : tensors)
            sources.push_back({name, tensor.type, tensor.shape, tensor.bytes.data()});
        put(path, serialize_safetensors(std::move(sources), metadata));
    }
    void set(const char* metadata_key, const char* key, const Json& value) {
        Json json = Json::parse(metadata.at(metadata_key));
        json[key] = value;
        metadata[metadata_key] = json.dump();
    }
};

// What loading says of a checkpoint after `damage`.
std::string error_after(const std::function<void(Parts&)>& damage) {
    const TemporaryFolder folder;
    const auto path = folder.path / "last.safetensors";
    save_to(path, checkpoint_of(small_shape()));
    Parts parts(path);
    damage(parts);
    parts.write(path);
    return message_of<InputError>([&] { load_checkpoint(path); });
}

void check_equal(const TrainingProgress& a, const TrainingProgress& b) {
    CHECK(a.epoch == b.epoch);
    CHECK(a.step == b.step);
    for (const auto member :
         {&TrainingProgress::best_f1, &TrainingProgress::best_loss, &TrainingProgress::stopping}) {
        CHECK((a.*member).epoch == (b.*member).epoch);
        CHECK((a.*member).value == (b.*member).value);
    }
    CHECK(a.begin == b.begin);
    CHECK(a.plateau.best_loss == b.plateau.best_loss);
    CHECK(a.plateau.epochs_without_improvement == b.plateau.epochs_without_improvement);
    CHECK(a.plateau.reductions == b.plateau.reductions);
    REQUIRE(a.epoch_steps.size() == b.epoch_steps.size());
    for (std::size_t i = 0; i < a.epoch_steps.size(); ++i) {
        CHECK(a.epoch_steps[i].step == b.epoch_steps[i].step);
        CHECK(a.epoch_steps[i].learning_rate == b.epoch_steps[i].learning_rate);
        CHECK(a.epoch_steps[i].loss_total == b.epoch_steps[i].loss_total);
        CHECK(a.epoch_steps[i].loss == b.epoch_steps[i].loss);
        CHECK(std::isnan(a.epoch_steps[i].grad_norm) == std::isnan(b.epoch_steps[i].grad_norm));
    }
}

}  // namespace

TEST_CASE("checkpoint: what is saved is loaded to the last bit, and saved again gives the same bytes") {
    const TemporaryFolder folder;
    const auto path = folder.path / "a.safetensors";
    for (const bool ema : {true, false}) {
        CAPTURE(ema);
        Checkpoint saved = checkpoint_of(small_shape());
        if (!ema) saved.learner.ema.clear();
        if (!ema) saved.progress.begin = {2, 1, 20};
        save_to(path, saved);
        const Checkpoint loaded = load_checkpoint(path);
        CHECK(loaded.learner.value == saved.learner.value);
        CHECK(loaded.learner.ema == saved.learner.ema);
        CHECK(loaded.learner.first_moment == saved.learner.first_moment);
        CHECK(loaded.learner.second_moment == saved.learner.second_moment);
        CHECK(loaded.statistics == saved.statistics);
        CHECK(loaded.data.classes == saved.data.classes);
        CHECK(loaded.data.sample_interval_ms == saved.data.sample_interval_ms);
        check_equal(loaded.progress, saved.progress);

        save_to(folder.path / "b.safetensors", loaded);
        CHECK(content(path) == content(folder.path / "b.safetensors"));
    }
}

// Writing and reading share one list of prefixes, which a round trip alone would not hold to the format.
TEST_CASE("checkpoint: each buffer of the learner stands under its own prefix") {
    const TemporaryFolder folder;
    const auto path = folder.path / "a.safetensors";
    const Checkpoint saved = checkpoint_of(small_shape());
    save_to(path, saved);
    const auto file = SafetensorsFile::open(path);
    const Network network(saved.shape, 1);
    const ParameterSpec& spec = network.parameters().specs().front();
    const LearnerState& learner = saved.learner;
    for (const auto& [prefix, buffer] : {std::pair("", &learner.value), std::pair("ema/", &learner.ema),
                                         std::pair("optimizer/first_moment/", &learner.first_moment),
                                         std::pair("optimizer/second_moment/", &learner.second_moment)}) {
        CAPTURE(prefix);
        const auto begin = buffer->begin() + static_cast<std::ptrdiff_t>(spec.offset);
        const std::vector<float> expected(begin, begin + static_cast<std::ptrdiff_t>(spec.size));
        CHECK(file.floats(prefix + spec.name) == expected);
    }
}

TEST_CASE("checkpoint: every network that a configuration allows is loaded again") {
    const TemporaryFolder folder;
    const auto path = folder.path / "a.safetensors";
    const auto survives = [&](const std::function<void(NetworkShape&)>& change) {
        NetworkShape shape = small_shape();
        change(shape);
        save_to(path, checkpoint_of(shape));
        const std::string message = message_of<InputError>([&] { load_checkpoint(path); });
        CHECK(message == "nothing was thrown");
    };
    survives([](NetworkShape& s) { s.levels = 1; });
    survives([](NetworkShape& s) { s.levels = 5; });
    survives([](NetworkShape& s) { s.kernel = 1; });
    survives([](NetworkShape& s) { s.blocks_per_level = 2; });
    survives([](NetworkShape& s) { s.built[Component::threshold] = false; });
    // Without attention the number of heads means nothing.
    survives([](NetworkShape& s) {
        s.attention_layers = 0;
        s.heads = 3;
    });
}

TEST_CASE("checkpoint: a missing or misshapen tensor is named") {
    CHECK(contains(error_after([](Parts& p) { p.tensors.erase("encoder.0.block0.conv1.weight"); }),
                   "encoder.0.block0.conv1.weight"));
    CHECK(contains(
        error_after([](Parts& p) { p.tensors.erase("optimizer/second_moment/encoder.0.block0.conv1.bias"); }),
        "optimizer/second_moment/encoder.0.block0.conv1.bias"));
    CHECK(contains(error_after([](Parts& p) { p.tensors.erase("ema/encoder.0.block0.conv1.weight"); }),
                   "ema/encoder.0.block0.conv1.weight"));
    CHECK(contains(error_after([](Parts& p) {
                       auto& shape = p.tensors.at("encoder.0.block0.conv1.weight").shape;
                       std::reverse(shape.begin(), shape.end());
                   }),
                   "encoder.0.block0.conv1.weight"));
    CHECK(contains(error_after([](Parts& p) { p.metadata.erase("progress"); }), "progress"));
    CHECK(contains(error_after([](Parts& p) { p.tensors.erase("progress/epoch_steps"); }), "progress/"));
    CHECK(contains(error_after([](Parts& p) {
                       auto& steps = p.tensors.at("progress/epoch_steps");
                       steps = {TensorType::f64, {3}, steps.bytes.substr(0, 24)};
                   }),
                   "progress/"));
    const std::string statistics = error_after([](Parts& p) {
        for (auto& [name, tensor] : p.tensors)
            if (name.starts_with("statistics/")) tensor = {TensorType::f64, {1}, tensor.bytes.substr(0, 8)};
    });
    CHECK(contains(statistics, "statistics/"));
}

TEST_CASE(
    "checkpoint: another version or another program's file is refused, with the version that wrote it") {
    const std::string newer = error_after([](Parts& p) { p.metadata["format_version"] = "3"; });
    CHECK(contains(newer, "last.safetensors"));
    CHECK(contains(newer, "`3`: expected 1 or 2"));
    CHECK(contains(newer, "engine_version"));
    CHECK(contains(error_after([](Parts& p) { p.metadata["format"] = "pt"; }), "abr_engine"));
    CHECK(contains(error_after([](Parts& p) { p.metadata.clear(); }), "abr_engine"));
    CHECK(contains(error_after([](Parts& p) { p.metadata.erase("format_version"); }), "format_version"));

    const TemporaryFolder folder;
    for (const std::string bytes : {"", "not a checkpoint at all"}) {
        put(folder.path / "x.safetensors", bytes);
        CHECK(contains(message_of<InputError>([&] { load_checkpoint(folder.path / "x.safetensors"); }),
                       "x.safetensors"));
    }
    CHECK(contains(message_of<InputError>([&] { load_checkpoint(folder.path / "missing.safetensors"); }),
                   "missing.safetensors"));
    CHECK(contains(message_of<InputError>([&] { load_checkpoint(folder.path); }), folder.path.string()));
}

TEST_CASE("checkpoint: metadata that lies about the network is refused before memory is asked for") {
    const auto lie = [](const char* key, const Json& value) {
        return error_after([&](Parts& p) { p.set("model", key, value); });
    };
    // Each alone would ask for terabytes or for ages.
    for (const char* key :
         {"length", "base_channels", "levels", "kernel", "blocks_per_level", "attention_layers", "heads",
          "feed_forward", "embed_dim", "head_hidden", "classes", "static_inputs", "groups"}) {
        CAPTURE(key);
        for (const std::int64_t value :
             {std::int64_t{-1}, std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::max()})
            CHECK(contains(lie(key, value), key));
        CHECK(contains(lie(key, "many"), "model"));
        CHECK(contains(lie(key, nullptr), "model"));
    }
    CHECK(contains(lie("stem_kernels", Json::array()), "contradict"));
    CHECK(contains(lie("stem_kernels", {3, 5, 7}), "contradict"));
    CHECK(contains(lie("stem_kernels", {3, 4}), "contradict"));
    CHECK(contains(lie("stem_dilations", {1, -2}), "stem_dilations"));
    CHECK(contains(lie("built", {true, false}), "the network has no tensor"));
    CHECK(contains(lie("built", {1, 0, 1, 1, 1, 1}), "built"));
    CHECK(contains(lie("built", Json(std::vector<bool>(kComponents + 1, true))), "built"));
    CHECK(contains(lie("levels", 2.0), "levels is no integer"));
    CHECK(contains(lie("groups", 3), "contradict"));
    CHECK(contains(lie("heads", 3), "contradict"));
    CHECK(contains(lie("kernel", 8), "contradict one another: kernel: must be odd"));
    // Allowed sizes that the file does not have: 2 GB of parameters that are not there.
    const std::string larger = error_after([](Parts& p) {
        p.set("model", "base_channels", 32);
        p.set("model", "levels", 8);
    });
    CHECK(contains(larger, "last.safetensors"));
    CHECK_FALSE(contains(larger, "nothing was thrown"));
    CHECK(contains(error_after([](Parts& p) { p.metadata["model"] = "[1, 2"; }), "model"));
    CHECK(contains(error_after([](Parts& p) { p.metadata.erase("model"); }), "model"));
}

TEST_CASE("checkpoint: a setting that it lacks takes its default, one that is not known is refused") {
    const auto without = [](const char* key) {
        return error_after([&](Parts& p) {
            Json json = Json::parse(p.metadata.at("model"));
            REQUIRE(json.erase(key) == 1);
            p.metadata["model"] = json.dump();
        });
    };
    // small_shape() leaves feed_forward at its default; with that of heads the bottleneck's channels have no
    // meaning.
    CHECK(without("feed_forward") == "nothing was thrown");
    CHECK(contains(without("embed_dim"), "embedding.first.weight"));
    CHECK(contains(without("length"), "length is missing"));

    const std::string newer = error_after([](Parts& p) { p.set("model", "gate", 8); });
    CHECK(contains(newer, "last.safetensors"));
    CHECK(contains(newer, "knows no setting `gate`; use the version of abr_engine that wrote it"));
}

TEST_CASE("checkpoint: metadata that lies about the data or the progress is refused") {
    const auto lie = [](const char* key, const Json& value) {
        return error_after([&](Parts& p) { p.set("data", key, value); });
    };
    CHECK(contains(lie("classes", {"A"}), "number of classes"));
    CHECK(contains(lie("classes", {1, 2}), "data"));
    for (const double value : {0.0, -0.1}) CHECK(contains(lie("sample_interval_ms", value), "not positive"));
    CHECK(contains(lie("sample_interval_ms", nullptr), "data"));
    CHECK(contains(error_after([](Parts& p) { p.set("progress", "epoch", -1); }), "negative"));
    CHECK(contains(error_after([](Parts& p) { p.metadata["progress"] = "[1, 2"; }), "progress"));
}

TEST_CASE("checkpoint: a tensor that the network does not have is refused by name") {
    CHECK(contains(error_after([](Parts& p) {
                       p.tensors["heads.mood.weight"] = {TensorType::f32, {1}, "0000"};
                   }),
                   "heads.mood.weight"));
    CHECK(contains(
        error_after([](Parts& p) { p.tensors["ema/x"] = p.tensors.at("ema/encoder.0.block0.conv1.weight"); }),
        "ema/x"));
    CHECK(error_after([](Parts&) {}) == "nothing was thrown");
}

TEST_CASE("checkpoint: progress that contradicts itself is refused") {
    const auto lie = [](const char* name, const Json& value) {
        return error_after([&](Parts& p) { p.set("progress", name, value); });
    };
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    CHECK(contains(lie("epoch", 4), "metadata `epoch`"));
    CHECK(contains(lie("step", 51), "metadata `step`"));
    CHECK(contains(error_after([](Parts& p) {
                       p.set("progress", "step", 1);
                       p.metadata["step"] = "1";
                   }),
                   "more steps than were done"));
    for (const char* best : {"best_f1.epoch", "best_loss.epoch", "early_stopping.epoch"}) {
        CHECK(contains(lie(best, 3), "not complete"));
        CHECK(contains(lie(best, -2), "not complete"));
        CHECK(contains(lie(best, kMost), "not complete"));
    }
    CHECK(contains(lie("stage", -1), "negative"));
    CHECK(contains(lie("stage.first_epoch", 1), "begins its stage elsewhere"));
    const auto second_stage = [](std::int64_t first_epoch, std::int64_t first_step) {
        return error_after([&](Parts& p) {
            p.set("progress", "stage", 1);
            p.set("progress", "stage.first_epoch", first_epoch);
            p.set("progress", "stage.first_step", first_step);
        });
    };
    CHECK(second_stage(1, 20) == "nothing was thrown");
    CHECK(contains(second_stage(4, 20), "begins its stage elsewhere"));
    CHECK(contains(second_stage(1, 51), "begins its stage elsewhere"));
    CHECK(contains(second_stage(2, 20), "not complete in its stage"));  // the best loss was in epoch 1
    CHECK(contains(lie("plateau.epochs_without_improvement", -1), "negative"));
    for (const Json& value : {Json("3"), Json(nullptr), Json(3.5), Json(true), Json::array({3})})
        CHECK(contains(lie("epoch", value), "epoch = "));
    CHECK(contains(lie("best_loss.value", "low"), "best_loss.value = "));
    CHECK(contains(lie("mood", 1), "a run has no `mood`"));
    CHECK(contains(lie("step_columns", 7), "columns"));
    CHECK(contains(lie("step_columns", {"step", "step"}), "columns"));
    CHECK(contains(lie("step_columns", {"loss_total", "grad_norm"}), "columns"));
    CHECK(contains(lie("step_columns", {"step", "mood"}), "other steps"));
    for (const double step : {47.0, 48.5, 1e300, std::nan("")})
        CHECK(contains(error_after([&](Parts& p) {
                           std::memcpy(p.tensors.at("progress/epoch_steps").bytes.data(), &step, sizeof step);
                       }),
                       "other steps than those before step 50"));
}

TEST_CASE("checkpoint: a number of progress that the file lacks has its default, columns go by their names") {
    const TemporaryFolder folder;
    const auto path = folder.path / "last.safetensors";
    const Checkpoint checkpoint = checkpoint_of(small_shape());
    save_to(path, checkpoint);
    Parts parts(path);
    Json progress = Json::parse(parts.metadata.at("progress"));
    CHECK(progress.at("best_loss.value") == -3.25);
    CHECK_FALSE(progress.contains("early_stopping.epoch"));  // -1, as at first
    progress.erase("plateau.reductions");
    progress["step_columns"] = {"grad_norm", "step", "loss_threshold"};
    parts.metadata["progress"] = progress.dump();
    const double cells[] = {0.5, 48, 7, 0.25, 49, 8};
    parts.tensors["progress/epoch_steps"] = {
        TensorType::f64, {2, 3}, std::string(reinterpret_cast<const char*>(cells), sizeof cells)};
    parts.write(path);
    TrainingProgress expected = checkpoint.progress;
    expected.plateau.reductions = 0;
    expected.epoch_steps = {{48, 0, 0.5, 0, {{0, 0, 0, 0, 0, 7}}}, {49, 0, 0.25, 0, {{0, 0, 0, 0, 0, 8}}}};
    check_equal(load_checkpoint(path).progress, expected);

    progress["step_columns"] = {"grad_norm", "step", "mood"};
    parts.metadata["progress"] = progress.dump();
    parts.write(path);
    CHECK(contains(message_of<InputError>([&] { load_checkpoint(path); }), "a step has no `mood`"));
}

TEST_CASE("checkpoint: progress in the places of version 1 is read, and written by its names") {
    const TemporaryFolder folder;
    const auto path = folder.path / "old.safetensors";
    Checkpoint checkpoint = checkpoint_of(small_shape());
    checkpoint.progress.stopping = {2, 0.5};
    save_to(folder.path / "new.safetensors", checkpoint);
    Parts parts(folder.path / "new.safetensors");
    parts.metadata["format_version"] = "1";
    parts.metadata.erase("progress");
    const std::int64_t counters[] = {3, 50, 2, 1, 2, 1, 2};
    const double values[] = {0.61, -3.25, 0.5, 3.25};
    const auto bytes = [](const auto& array) {
        return std::string(reinterpret_cast<const char*>(array), sizeof array);
    };
    parts.tensors["progress/counters"] = {TensorType::i64, {7}, bytes(counters)};
    parts.tensors["progress/values"] = {TensorType::f64, {4}, bytes(values)};
    // Steps had the columns of today without those of the components that came later.
    std::vector<double> steps;
    for (const StepRecord& record : checkpoint.progress.epoch_steps) {
        steps.insert(steps.end(), {static_cast<double>(record.step), record.learning_rate, record.grad_norm,
                                   record.loss_total});
        steps.insert(steps.end(), record.loss.values.begin(), record.loss.values.begin() + 6);
    }
    parts.tensors["progress/epoch_steps"] = {
        TensorType::f64,
        {std::ssize(checkpoint.progress.epoch_steps), 10},
        std::string(reinterpret_cast<const char*>(steps.data()), steps.size() * sizeof(double))};
    parts.write(path);
    const Checkpoint loaded = load_checkpoint(path);
    check_equal(loaded.progress, checkpoint.progress);
    save_to(path, loaded);
    CHECK(content(path) == content(folder.path / "new.safetensors"));

    parts.tensors["progress/counters"] = {TensorType::i64, {1}, bytes(counters).substr(0, 8)};
    parts.write(path);
    CHECK(contains(message_of<InputError>([&] { load_checkpoint(path); }), "wrong size"));
    parts.tensors.erase("progress/values");
    parts.write(path);
    CHECK(contains(message_of<InputError>([&] { load_checkpoint(path); }), "progress/"));
}

TEST_CASE(
    "checkpoint: how a run measures survives a checkpoint, and metadata that lies about it is refused") {
    const TemporaryFolder folder;
    const Checkpoint checkpoint = checkpoint_of(small_shape());
    save_to(folder.path / "a.safetensors", checkpoint);
    const EvaluationSettings read = load_checkpoint(folder.path / "a.safetensors").evaluation;
    CHECK(to_json(read) == to_json(checkpoint.evaluation));
    CHECK(read.loss.distance[Component::peak_amplitude].delta == 0.1f);
    CHECK(read.loss.distance[Component::signal].type == Distance::l1);
    CHECK(read.loss.classes == 2);
    CHECK(read.seed == 0xFFFFFFFFFFFFFFFF);
    CHECK(read.temperature == checkpoint.evaluation.temperature);
    // Those of before calibration say nothing of it.
    Parts earlier(folder.path / "a.safetensors");
    Json evaluation = Json::parse(earlier.metadata.at("evaluation"));
    evaluation.erase("temperature");
    earlier.metadata["evaluation"] = evaluation.dump();
    earlier.write(folder.path / "earlier.safetensors");
    CHECK(load_checkpoint(folder.path / "earlier.safetensors").evaluation.temperature == kUncalibrated);

    const auto lie = [](const char* key, const Json& value) {
        return error_after([&](Parts& p) { p.set("evaluation", key, value); });
    };
    CHECK(contains(lie("signal", {{"type", "cubic"}, {"delta", 1}}), "signal = "));
    CHECK(contains(lie("threshold", {{"type", "mse"}, {"delta", 0}}), "threshold = "));
    CHECK(contains(lie("threshold", "mse"), "evaluation"));
    CHECK(contains(lie("noise_sd", -1), "noise_sd = -1 is out of range"));
    CHECK(contains(lie("coloured_sd", {2, 1}), "coloured_sd = [2,1] is out of range"));
    CHECK(contains(lie("mains_sd", {0, 1}), "mains_sd"));
    CHECK(contains(lie("mains_sd", {1}), "evaluation"));
    CHECK(contains(lie("label_smoothing", 1), "label_smoothing"));
    CHECK(contains(lie("degradation_probability", 1.5), "degradation_probability"));
    CHECK(contains(lie("final_weights", {1, 2}), "evaluation"));
    CHECK(contains(lie("final_weights", {1, 2, 3, 4, 5, -6}), "final_weights"));
    CHECK(contains(lie("temperature", {{"peak_exist", 0}}), "temperature = "));
    CHECK(contains(lie("temperature", {{"classification", "hot"}}), "evaluation"));
    CHECK(contains(lie("seed", "x"), "evaluation"));
    CHECK(contains(error_after([](Parts& p) { p.metadata.erase("evaluation"); }), "evaluation"));
}

TEST_CASE("checkpoint: nothing in the file depends on where it lies") {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path / "elsewhere");
    const Checkpoint checkpoint = checkpoint_of(small_shape());
    save_to(folder.path / "a.safetensors", checkpoint);
    save_to(folder.path / "elsewhere" / "b.safetensors", checkpoint);
    const std::string bytes = content(folder.path / "a.safetensors");
    CHECK(bytes == content(folder.path / "elsewhere" / "b.safetensors"));
    CHECK_FALSE(contains(bytes, folder.path.filename().string()));
}

TEST_CASE("pitfall 2: the best so far begins at minus infinity and survives a checkpoint so") {
    const TrainingProgress fresh;
    for (const BestEpoch& best : {fresh.best_f1, fresh.best_loss, fresh.stopping}) {
        CHECK(best.epoch == -1);
        CHECK(best.value == -std::numeric_limits<double>::infinity());
    }
    const TemporaryFolder folder;
    Checkpoint checkpoint = checkpoint_of(small_shape());
    checkpoint.progress = {};
    save_to(folder.path / "a.safetensors", checkpoint);
    check_equal(load_checkpoint(folder.path / "a.safetensors").progress, fresh);
}
