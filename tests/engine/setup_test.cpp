// What the learner is built with: every value that comes from the configuration, the data or a checkpoint,
// one by one.
#include "engine/training/setup.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"

using namespace abr;

namespace {

using Fields = std::map<std::string, double>;

// Every number that the learner is given.
Fields fields_of(const LearnerSettings& s) {
    Fields f;
    const auto list = [&](const std::string& name, const auto& values) {
        f[name + ".count"] = static_cast<double>(values.size());
        for (std::size_t i = 0; i < values.size(); ++i)
            f[fmt::format("{}.{}", name, i)] = static_cast<double>(values[i]);
    };
    const auto standardisation = [&](const std::string& name, const Standardisation& value) {
        f["batch." + name + ".mean"] = static_cast<double>(value.mean);
        f["batch." + name + ".inverse_scale"] = static_cast<double>(value.inverse_scale);
    };
    const auto& shape = s.shape;
    f["shape.length"] = static_cast<double>(shape.length);
    f["shape.static_inputs"] = static_cast<double>(shape.static_inputs);
    f["shape.classes"] = static_cast<double>(shape.classes);
    for_each_network_setting([&]<auto member>(const NetworkSetting<member>& setting) {
        const auto& value = shape.*member;
        using Value = typename NetworkSetting<member>::Value;
        if constexpr (std::is_arithmetic_v<Value> || std::is_enum_v<Value>)
            f["shape." + std::string(setting.name)] = static_cast<double>(value);
        else
            list("shape." + std::string(setting.name), value);
    });
    list("shape.built", shape.built.values);
    f["shape.first_place"] = shape.first_place;
    f["shape.place_step"] = shape.place_step;
    for (const Component c : kAllComponents) {
        const std::string name(task_of(c).name);
        f["loss." + name + ".type"] = static_cast<double>(s.loss.distance[c].type);
        f["loss." + name + ".delta"] = static_cast<double>(s.loss.distance[c].delta);
        standardisation(name, s.batch.target[c]);
        f["scaling." + name + ".mean"] = static_cast<double>(s.scaling[c].mean);
        f["scaling." + name + ".scale"] = static_cast<double>(s.scaling[c].scale);
    }
    f["loss.positive_weight"] = static_cast<double>(s.loss.positive_weight);
    f["loss.label_smoothing"] = static_cast<double>(s.loss.label_smoothing);
    f["loss.focal_gamma"] = static_cast<double>(s.loss.focal_gamma);
    f["loss.classes"] = static_cast<double>(s.loss.classes);
    f["loss.location_sd_ms"] = static_cast<double>(s.loss.location_sd_ms);
    list("class_weights", s.class_weights);
    standardisation("signal_mean", s.batch.signal_mean);
    standardisation("signal_log_sd", s.batch.signal_log_sd);
    f["batch.fill_age"] = static_cast<double>(s.batch.fill_age);
    f["batch.fill_rate"] = static_cast<double>(s.batch.fill_rate);
    f["batch.fill_fmp"] = static_cast<double>(s.batch.fill_fmp);
    f["batch.flag_age"] = static_cast<double>(s.batch.flag_age);
    f["batch.flag_rate"] = static_cast<double>(s.batch.flag_rate);
    f["batch.flag_fmp"] = static_cast<double>(s.batch.flag_fmp);
    list("batch.static_sd", s.batch.static_sd);
    f["batch.sample_interval_ms"] = static_cast<double>(s.batch.sample_interval_ms);
    f["batch.first_sample_ms"] = static_cast<double>(s.batch.first_sample_ms);
    const AugmentationSettings& augmentation = s.batch.augmentation;
    f["augmentation.probability"] = static_cast<double>(augmentation.probability);
    f["augmentation.shift_samples"] = static_cast<double>(augmentation.shift_samples);
    f["augmentation.scale_low"] = static_cast<double>(augmentation.scale_low);
    f["augmentation.scale_high"] = static_cast<double>(augmentation.scale_high);
    f["augmentation.drift_sd"] = static_cast<double>(augmentation.drift_sd);
    f["augmentation.static_noise_sd"] = static_cast<double>(augmentation.static_noise_sd);
    f["augmentation.static_dropout"] = static_cast<double>(augmentation.static_dropout);
    const auto range = [&](const std::string& name, const LogRange& r) {
        f[name + ".low"] = static_cast<double>(r.low);
        f[name + ".high"] = static_cast<double>(r.high);
    };
    f["augmentation.band_probability"] = static_cast<double>(augmentation.band_probability);
    range("augmentation.high_pass_hz", augmentation.high_pass_hz);
    range("augmentation.low_pass_hz", augmentation.low_pass_hz);
    range("degradation.coloured_sd", s.batch.degradation.coloured_sd);
    range("degradation.mains_sd", s.batch.degradation.mains_sd);
    f["degradation.noise_to_noise"] = static_cast<double>(s.batch.degradation.noise_to_noise);
    f["degradation.noise_sd"] = static_cast<double>(s.batch.degradation.noise_sd);
    f["degradation.probability"] = static_cast<double>(s.batch.degradation.probability);
    f["optimizer.beta1"] = s.optimizer.beta1;
    f["optimizer.beta2"] = s.optimizer.beta2;
    f["optimizer.epsilon"] = s.optimizer.epsilon;
    f["optimizer.weight_decay"] = s.optimizer.weight_decay;
    f["optimizer.gradient_clip"] = s.optimizer.gradient_clip;
    f["ema_decay"] = s.ema_decay;
    f["rates.encoder"] = static_cast<double>(s.rates.encoder);
    f["rates.decoder"] = static_cast<double>(s.rates.decoder);
    f["rates.heads"] = static_cast<double>(s.rates.heads);
    f["rates.frozen"] = static_cast<double>(s.rates.frozen.size());
    f["seed"] = static_cast<double>(s.seed);
    f["batch_size"] = static_cast<double>(s.batch_size);
    f["accumulation"] = static_cast<double>(s.accumulation);
    return f;
}

// The fields that differ, with their later values.
Fields changed(const LearnerSettings& before, const LearnerSettings& after) {
    Fields changes;
    const Fields old = fields_of(before);
    for (const auto& [name, value] : fields_of(after))
        if (!old.contains(name) || old.at(name) != value) changes[name] = value;
    return changes;
}

// Each statistic has a value of its own; the mean of an input is ten times its place, its sd 2 to that power.
FittedStatistics distinct_statistics() {
    FittedStatistics s;
    s.fill_age_years = 40;
    s.fill_rate_hz = 30;
    s.fill_fmp = 2;
    for (std::size_t i = 0; i < s.statics.size(); ++i)
        s.statics[i] = {10.0 * static_cast<double>(i), std::exp2(static_cast<double>(i))};
    s.target[Component::peak_latency] = {6, 0.5};
    s.target[Component::peak_amplitude] = {0.25, 0.125};
    s.target[Component::threshold] = {35, 16};
    s.class_counts = {600, 60, 6, 6, 6};
    s.class_weights = {0.5, 1, 2, 3, 4};
    return s;
}

Dataset small_dataset() {
    Dataset data;
    data.classes = DataConfig{}.classes;
    data.sample_interval_ms = 0.25;
    data.length = 48;
    data.statistics = distinct_statistics();
    return data;
}

Config with(const std::vector<std::string>& overrides) {
    return load_defaults(overrides);
}

constexpr double kMse = 0, kL1 = 1;

// Key, its value and what that is with the learner.
struct Row {
    std::string key, value;
    Fields fields;
    std::string beside = {};  // key=value without which this one has no effect
};

const std::vector<Row>& rows() {
    static const std::vector<Row> rows = {
        {"run.seed", "7", {{"seed", 7}}},
        {"model.base_channels", "24", {{"shape.base_channels", 24}}},
        {"model.levels", "3", {{"shape.levels", 3}}},
        {"model.kernel", "5", {{"shape.kernel", 5}}},
        {"model.stem_kernels",
         "[5, 9, 13]",
         {{"shape.stem_kernels.0", 5}, {"shape.stem_kernels.1", 9}, {"shape.stem_kernels.2", 13}}},
        {"model.stem_dilations",
         "[2, 3, 4]",
         {{"shape.stem_dilations.0", 2}, {"shape.stem_dilations.1", 3}, {"shape.stem_dilations.2", 4}}},
        {"model.blocks_per_level", "2", {{"shape.blocks_per_level", 2}}},
        {"model.groups", "4", {{"shape.groups", 4}}},
        {"model.attention_layers", "3", {{"shape.attention_layers", 3}}},
        {"model.heads", "4", {{"shape.heads", 4}}},
        {"model.feed_forward", "5", {{"shape.feed_forward", 5}}},
        {"model.embed_dim", "96", {{"shape.embed_dim", 96}}},
        {"model.head_hidden", "80", {{"shape.head_hidden", 80}}},
        {"model.latency_head", "pool", {{"shape.latency_head", static_cast<double>(LatencyHead::pool)}}},
        {"model.dropout", "0.375", {{"shape.dropout", 0.375}}},
        {"loss.class_weights",
         "[5.0, 6.0, 7.0, 8.0, 9.0]",
         {{"class_weights.0", 5},
          {"class_weights.1", 6},
          {"class_weights.2", 7},
          {"class_weights.3", 8},
          {"class_weights.4", 9}}},
        // N / (K n) = 678 / (5 n), to the power of 2.
        {"loss.class_weight_power",
         "2.0",
         {{"class_weights.0", static_cast<float>(0.226 * 0.226)},
          {"class_weights.1", static_cast<float>(2.26 * 2.26)},
          {"class_weights.2", static_cast<float>(22.6 * 22.6)},
          {"class_weights.3", static_cast<float>(22.6 * 22.6)},
          {"class_weights.4", static_cast<float>(22.6 * 22.6)}},
         "loss.class_weights=balanced"},
        {"loss.label_smoothing", "0.125", {{"loss.label_smoothing", 0.125}}},
        {"loss.focal_gamma", "1.5", {{"loss.focal_gamma", 1.5}}},
        {"loss.signal.type", "l1", {{"loss.signal.type", kL1}}},
        {"loss.signal.delta", "0.5", {{"loss.signal.delta", 0.5}}},
        {"loss.peak_latency.type", "mse", {{"loss.peak_latency.type", kMse}}},
        {"loss.peak_latency.delta", "0.25", {{"loss.peak_latency.delta", 0.25}}},
        {"loss.peak_amplitude.type", "l1", {{"loss.peak_amplitude.type", kL1}}},
        {"loss.peak_amplitude.delta", "0.75", {{"loss.peak_amplitude.delta", 0.75}}},
        {"loss.threshold.type", "mse", {{"loss.threshold.type", kMse}}},
        {"loss.threshold.delta", "2.5", {{"loss.threshold.delta", 2.5}}},
        {"loss.peak_location.sd_ms", "0.5", {{"loss.location_sd_ms", 0.5}}},
        {"loss.peak_exist.positive_weight", "3.5", {{"loss.positive_weight", 3.5}}},
        {"training.batch_size", "48", {{"batch_size", 48}}},
        {"training.accumulation", "3", {{"accumulation", 3}}},
        {"training.gradient_clip", "2.5", {{"optimizer.gradient_clip", 2.5}}},
        {"training.ema_decay", "0.75", {{"ema_decay", 0.75}}},
        {"optimizer.beta1", "0.5", {{"optimizer.beta1", 0.5}}},
        {"optimizer.beta2", "0.625", {{"optimizer.beta2", 0.625}}},
        {"optimizer.epsilon", "0.25", {{"optimizer.epsilon", 0.25}}},
        {"optimizer.weight_decay", "0.875", {{"optimizer.weight_decay", 0.875}}},
        {"optimizer.encoder_lr", "2.0", {{"rates.encoder", 2}}},
        {"optimizer.decoder_lr", "3.0", {{"rates.decoder", 3}}},
        {"optimizer.heads_lr", "4.0", {{"rates.heads", 4}}},
        {"degradation.noise_sd", "0.5", {{"degradation.noise_sd", 0.5}}},
        {"degradation.probability", "0.25", {{"degradation.probability", 0.25}}},
        {"degradation.coloured_sd",
         "[0.25, 0.5]",
         {{"degradation.coloured_sd.low", 0.25}, {"degradation.coloured_sd.high", 0.5}}},
        {"degradation.mains_sd",
         "[0.125, 0.75]",
         {{"degradation.mains_sd.low", 0.125}, {"degradation.mains_sd.high", 0.75}}},
        {"degradation.noise_to_noise", "true", {{"degradation.noise_to_noise", 1}}},
        {"augmentation.band_probability", "0.375", {{"augmentation.band_probability", 0.375}}},
        {"augmentation.high_pass_hz",
         "[20, 60]",
         {{"augmentation.high_pass_hz.low", 20}, {"augmentation.high_pass_hz.high", 60}}},
        {"augmentation.low_pass_hz",
         "[800, 1600]",
         {{"augmentation.low_pass_hz.low", 800}, {"augmentation.low_pass_hz.high", 1600}}},
        {"augmentation.probability", "0.625", {{"augmentation.probability", 0.625}}},
        {"augmentation.shift_samples", "5", {{"augmentation.shift_samples", 5}}},
        {"augmentation.scale",
         "[0.5, 2.0]",
         {{"augmentation.scale_low", 0.5}, {"augmentation.scale_high", 2}}},
        {"augmentation.drift_sd", "0.75", {{"augmentation.drift_sd", 0.75}}},
        {"augmentation.static_noise_sd", "0.625", {{"augmentation.static_noise_sd", 0.625}}},
        {"augmentation.static_dropout", "0.375", {{"augmentation.static_dropout", 0.375}}},
    };
    return rows;
}

}  // namespace

TEST_CASE("setup: each key of the configuration moves its own value of the learner, to what it says") {
    const Dataset data = small_dataset();
    std::set<std::string> tried;
    for (const Row& row : rows()) {
        CAPTURE(row.key);
        tried.insert(row.key);
        std::vector<std::string> base, overrides;
        if (!row.beside.empty()) base.push_back(row.beside);
        overrides = base;
        overrides.push_back(row.key + "=" + row.value);
        CHECK(changed(learner_settings(with(base), data), learner_settings(with(overrides), data)) ==
              row.fields);
    }

    // Keys without a row are not the learner's: the loop over epochs asks for them, or the data.
    const std::set<std::string> elsewhere = {"optimizer.learning_rate",
                                             "training.epochs",
                                             "training.checkpoint_minutes",
                                             "training.sampler",
                                             "training.max_repeats",
                                             "training.early_stopping.metric",
                                             "training.early_stopping.patience",
                                             "training.early_stopping.min_delta"};
    for (const Key& key : config_keys()) {
        const std::string section = key.path.substr(0, key.path.find('.'));
        const bool of_learner =
            (section == "model" || section == "training" || section == "optimizer" ||
             section == "degradation" || section == "augmentation" || section == "loss") &&
            !key.path.starts_with("loss.weights.") && !elsewhere.contains(key.path);
        CAPTURE(key.path);
        CHECK(tried.contains(key.path) == (of_learner || key.path == "run.seed"));
    }
}

TEST_CASE("setup: a stage's frozen parts reach the learner") {
    Config config;
    config.stage.freeze = {"stem", "heads"};
    CHECK(learner_settings(config, small_dataset()).rates.frozen == config.stage.freeze);
}

TEST_CASE("setup: each value of the data set moves its own value of the learner") {
    const Config config = with({});
    const auto after = [&](const std::function<void(Dataset&)>& change) {
        Dataset data = small_dataset();
        change(data);
        return changed(learner_settings(config, small_dataset()), learner_settings(config, data));
    };
    CHECK(after([](Dataset& d) { d.length = 64; }) == Fields{{"shape.length", 64}});
    // The latency is learnt in units of .5 ms from 6 ms on.
    CHECK(after([](Dataset& d) { d.sample_interval_ms = 0.5; }) ==
          Fields{{"batch.sample_interval_ms", 0.5}, {"shape.place_step", 0.5 / 0.5}});
    CHECK(after([](Dataset& d) { d.first_sample_ms = 0.75; }) ==
          Fields{{"batch.first_sample_ms", 0.75}, {"shape.first_place", (0.75 - 6) / 0.5}});
    CHECK(after([](Dataset& d) { d.statistics.statics[kRate].sd = 0; }).at("batch.static_sd.2") == 0);
    CHECK(after([](Dataset& d) {
              d.classes = {"A", "B", "C"};
              d.statistics.class_counts = {3, 2, 1};
          }) == Fields{{"shape.classes", 3}, {"loss.classes", 3}, {"class_weights.count", 3}});
    for (std::size_t c = 0; c < kComponents; ++c)
        CHECK(after([&](Dataset& d) { d.dropped[c] = "no labels"; }) ==
              Fields{{fmt::format("shape.built.{}", c), 0}});
    const Fields fields = fields_of(learner_settings(config, small_dataset()));
    CHECK(fields.at("shape.static_inputs") == kStaticInputs);
    CHECK(fields.at("batch.peak_latency.mean") == 6);
    CHECK(fields.at("batch.peak_amplitude.mean") == 0.25);
    CHECK(fields.at("batch.threshold.mean") == 35);
    CHECK(fields.at("batch.peak_latency.inverse_scale") == 2);
    CHECK(fields.at("batch.peak_amplitude.inverse_scale") == 8);
    CHECK(fields.at("batch.threshold.inverse_scale") == 0.0625);
    CHECK(fields.at("batch.signal_mean.mean") == 70);
    CHECK(fields.at("batch.signal_log_sd.mean") == 80);
    CHECK(fields.at("batch.signal_mean.inverse_scale") == 1.0 / 128);
    CHECK(fields.at("batch.signal_log_sd.inverse_scale") == 1.0 / 256);
    CHECK(fields.at("batch.fill_rate") == (30.0 - 20) / 4);
    CHECK(fields.at("batch.flag_age") == (1.0 - 40) / 16);
    CHECK(fields.at("batch.flag_rate") == (1.0 - 50) / 32);
    CHECK(fields.at("batch.flag_fmp") == (1.0 - 60) / 64);
    CHECK(fields.at("batch.fill_age") == doctest::Approx(std::log(41.0)));
    CHECK(fields.at("batch.fill_fmp") == doctest::Approx((std::log(3.0) - 30) / 8));
    CHECK(fields.at("scaling.peak_latency.mean") == 6);
    CHECK(fields.at("scaling.peak_latency.scale") == 0.5);
    CHECK(fields.at("scaling.peak_amplitude.mean") == 0.25);
    CHECK(fields.at("scaling.peak_amplitude.scale") == 0.125);
    CHECK(fields.at("scaling.threshold.mean") == 35);
    CHECK(fields.at("scaling.threshold.scale") == 16);
    CHECK(after([](Dataset& d) { d.statistics.target[Component::peak_latency].sd = 0; }) ==
          Fields{{"batch.peak_latency.inverse_scale", 1},
                 {"scaling.peak_latency.scale", 1},
                 {"shape.first_place", -6},
                 {"shape.place_step", 0.25}});
}

TEST_CASE("setup: each value of a checkpoint moves its own value of the learner that measures with it") {
    const auto checkpoint = [] {
        Checkpoint c;
        c.shape.length = 48;
        c.data.classes = DataConfig{}.classes;
        c.data.sample_interval_ms = 0.25;
        c.statistics = distinct_statistics();
        c.evaluation.loss.classes = 5;
        c.evaluation.seed = 3;
        return c;
    };
    const auto after = [&](const std::function<void(Checkpoint&)>& change) {
        Checkpoint c = checkpoint();
        change(c);
        return changed(learner_settings(checkpoint()), learner_settings(c));
    };
    CHECK(after([](Checkpoint& c) { c.evaluation.seed = 9; }) == Fields{{"seed", 9}});
    CHECK(after([](Checkpoint& c) { c.evaluation.degradation.noise_sd = 0.5f; }) ==
          Fields{{"degradation.noise_sd", 0.5}});
    CHECK(after([](Checkpoint& c) {
              c.evaluation.degradation.coloured_sd = {0.5f, 2};
          }) == Fields{{"degradation.coloured_sd.low", 0.5}, {"degradation.coloured_sd.high", 2}});
    CHECK(after([](Checkpoint& c) { c.evaluation.degradation.probability = 0.25f; }) ==
          Fields{{"degradation.probability", 0.25}});
    CHECK(after([](Checkpoint& c) {
              c.evaluation.loss.distance[Component::signal] = {Distance::l1, 0.5f};
          }) == Fields{{"loss.signal.type", kL1}, {"loss.signal.delta", 0.5}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.distance[Component::peak_latency].delta = 3; }) ==
          Fields{{"loss.peak_latency.delta", 3}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.distance[Component::peak_amplitude].delta = 4; }) ==
          Fields{{"loss.peak_amplitude.delta", 4}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.distance[Component::threshold].delta = 5; }) ==
          Fields{{"loss.threshold.delta", 5}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.positive_weight = 6; }) ==
          Fields{{"loss.positive_weight", 6}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.label_smoothing = 0.125f; }) ==
          Fields{{"loss.label_smoothing", 0.125}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.focal_gamma = 2; }) == Fields{{"loss.focal_gamma", 2}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.classes = 4; }) == Fields{{"loss.classes", 4}});
    CHECK(after([](Checkpoint& c) { c.evaluation.loss.location_sd_ms = 0.5f; }) ==
          Fields{{"loss.location_sd_ms", 0.5}});
    CHECK(after([](Checkpoint& c) { c.data.sample_interval_ms = 0.5; }) ==
          Fields{{"batch.sample_interval_ms", 0.5}, {"shape.place_step", 0.5 / 0.5}});
    CHECK(after([](Checkpoint& c) { c.data.first_sample_ms = 0.75; }) ==
          Fields{{"batch.first_sample_ms", 0.75}, {"shape.first_place", (0.75 - 6) / 0.5}});
    CHECK(after([](Checkpoint& c) { c.statistics.class_weights[3] = 11; }) ==
          Fields{{"class_weights.3", 11}});
    CHECK(after([](Checkpoint& c) { c.shape.kernel = 9; }) == Fields{{"shape.kernel", 9}});
    CHECK(after([](Checkpoint& c) { c.shape.built[Component::threshold] = false; }) ==
          Fields{{"shape.built.5", 0}});
    CHECK(after([](Checkpoint& c) { c.statistics.target[Component::peak_amplitude].mean = 7; }) ==
          Fields{{"batch.peak_amplitude.mean", 7}, {"scaling.peak_amplitude.mean", 7}});
    // What the statistics say is what training was given of them, and nothing is augmented or dropped.
    const Fields measured = fields_of(learner_settings(checkpoint()));
    const Fields trained = fields_of(learner_settings(Config{}, small_dataset()));
    for (const auto& [name, value] : measured) {
        const bool of_statistics = name.starts_with("scaling.") || name.starts_with("batch.fill_") ||
                                   name.starts_with("batch.flag_") || name.ends_with(".mean") ||
                                   name.ends_with(".inverse_scale");
        CAPTURE(name);
        if (of_statistics) CHECK(value == trained.at(name));
    }
    const LearnerSettings plain = learner_settings(checkpoint());
    CHECK(plain.batch.augmentation.drift_sd == 0);
    CHECK(plain.batch.augmentation.probability == 0);
    CHECK(plain.ema_decay == 0);
    CHECK(plain.rates.frozen.empty());
}
