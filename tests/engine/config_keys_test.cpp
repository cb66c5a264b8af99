// Every key of the configuration, one by one, from the table of keys.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/engine/config_fixture.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// A value other than the default that the key allows, made from the table; keys whose legal values hang on others
// are given here, with what they need beside them.
struct Change {
    std::string value;
    std::vector<std::string> beside;  // "key=value" that it cannot do without

    bool needs(const std::string& path) const {
        return std::any_of(beside.begin(), beside.end(),
                           [&](const std::string& text) { return text.starts_with(path + "="); });
    }
};
Change other_value(const abr::Key& key) {
    const std::string file = "data.source=csv", path = "data.path=/data/r.csv";
    static const std::map<std::string, Change> special = {
        {"run.backend", {"\"cpu\"", {}}},
        {"data.source", {"\"csv\"", {path}}},
        {"data.path", {"\"/data/other.csv\"", {file}}},
        {"data.sample_interval_ms", {"0.125", {file, path}}},
        {"data.classes", {"[\"A\", \"B\"]", {file, path}}},
        {"data.train", {"0.6", {"data.val=0.25"}}},
        {"data.val", {"0.2", {"data.train=0.65"}}},
        {"data.test", {"0.2", {"data.train=0.65"}}},
        {"data.split_file", {"\"/data/split.csv\"", {}}},
        {"data.alike_patients", {"\"apart\"", {file, path}}},
        {"data.header_line", {"3", {file, path}}},
        {"data.missing", {"[\"NR\"]", {file, path}}},
        {"data.window_ms", {"[0.0, 5.0]", {file, path}}},
        {"data.skip_rows", {"2", {file, path}}},
        {"data.signal_unit", {"\"nV\"", {file, path}}},
        {"data.amplitude_unit", {"\"nV\"", {file, path}}},
        {"data.latency_unit", {"\"us\"", {file, path}}},
        {"data.first_sample_ms", {"-2.0", {file, path}}},
        {"data.synthetic.preset", {"\"A\"", {}}},
        {"model.base_channels", {"24", {}}},
        {"model.groups", {"4", {}}},
        {"model.heads", {"4", {}}},
        {"model.kernel", {"5", {}}},
        {"model.stem_kernels", {"[5, 9, 13]", {}}},
        {"model.stem_dilations", {"[1, 2, 4]", {}}},
        {"loss.class_weights", {"[1.0, 2.0, 3.0, 4.0, 0.5]", {}}},
        {"loss.class_weight_power", {"0.5", {"loss.class_weights=balanced"}}},
        {"schedule.warmup_epochs", {"3", {}}},
        {"schedule.min_lr", {"1e-5", {}}},
        {"optimizer.epsilon", {"1e-7", {}}},
        {"augmentation.shift_samples", {"5", {}}},
        {"augmentation.scale", {"[0.5, 2.0]", {}}},
        {"augmentation.high_pass_hz", {"[20.0, 60.0]", {}}},
        {"augmentation.low_pass_hz", {"[800.0, 1600.0]", {}}},
        {"degradation.coloured_sd", {"[0.25, 0.5]", {}}},
        {"degradation.mains_sd", {"[0.125, 0.5]", {}}},
        {"degradation.noise_to_noise", {"true", {}}},
        {"training.early_stopping.metric", {"\"loss\"", {}}},
    };
    if (const auto found = special.find(key.path); found != special.end()) return found->second;
    if (key.path.starts_with("data.columns.")) {
        const bool is_text = abr::type_text(key) == "text";
        return {is_text ? "\"Their Name\"" : "7", {file, path}};
    }
    if (key.path.starts_with("curriculum.") && key.path.ends_with(".from")) {
        return {"0.25", {key.path.substr(0, key.path.size() - 4) + "epochs=4"}};
    }
    if (const auto* choice = std::get_if<abr::Choice>(&key.field)) {
        const int current = [&] {
            Config config;
            return choice->get(config);
        }();
        return {abr::toml_string(choice->names[current == 0 ? 1 : 0]), {}};
    }
    const std::string type = abr::type_text(key);
    if (std::holds_alternative<abr::RuleSettingField>(key.field) && type == "integer") return {"13", {}};
    if (type == "boolean") return {"false", {}};
    if (type == "integer") return {key.path == "data.synthetic.patients" ? "61" : "3", {}};
    if (type == "number") return {"0.375", {}};
    return {"\"other\"", {}};
}

}  // namespace

TEST_CASE("pitfall 5: every key is typed, read and echoed") {
    const TemporaryFolder folder;
    const std::filesystem::path empty = write_config(folder, "");
    for (const abr::Key& key : abr::config_keys()) {
        if (key.path.find('<') != std::string::npos) continue;  // any name: tested below
        if (key.path.starts_with("stages.")) continue;          // of a list: stages_config_test.cpp
        CAPTURE(key.path);
        const Change change = other_value(key);
        std::vector<std::string> overrides = change.beside;
        overrides.push_back(key.path + "=" + change.value);
        const Config after = abr::load_config(empty, overrides);
        CHECK(abr::value_text(key, after) == change.value);
        CHECK(abr::value_text(key, Config{}) != abr::value_text(key, after));

        // No other key has moved with it.
        const Config base = abr::load_config(empty);
        for (const abr::Key& other : abr::config_keys()) {
            const bool follows = (key.path == "run.seed" && other.path.ends_with("seed")) ||
                                 (key.path.ends_with("_start") && other.path.ends_with(".start")) ||
                                 change.needs(other.path);
            CAPTURE(other.path);
            if (&other != &key && !follows)
                CHECK(abr::value_text(other, base) == abr::value_text(other, after));
        }

        // The echo holds the value, and reads back as the same configuration.
        const std::string echo = abr::to_toml(after);
        const std::string name = key.path.substr(key.path.rfind('.') + 1);
        CHECK(echo.find("\n" + name + " = " + change.value + "\n") != std::string::npos);
        CHECK(abr::to_toml(abr::load_config(write_config(folder, echo, "echo.toml"))) == echo);

        // A value of another type is refused, by name and at its place.
        const std::vector<std::string> wrong = {key.path + "=1979-05-27T07:32:00Z"};
        const bool takes_text = abr::type_text(key) == "text" || abr::type_text(key) == "path";
        if (!takes_text) CHECK(problem_keys("", wrong) == Keys{key.path});
    }
}

TEST_CASE("pitfall 5: keys that look alike reach members of their own") {
    const Config config = load(
        "[loss.weights]\nsignal = 1\npeak_exist = 2\npeak_latency = 3\npeak_amplitude = 4\nclassification = "
        "5\n"
        "threshold = 6\npeak_location = 7\n[loss.signal]\ndelta = 7\n[loss.peak_latency]\ndelta = 8\ntype = "
        "\"l1\"\n"
        "[loss.peak_amplitude]\ndelta = 9\ntype = \"mse\"\n[loss.threshold]\ndelta = 10\n"
        "[curriculum]\nclass_start = 1\npeak_start = 2\nthreshold_start = 3\nramp_epochs = 4\n"
        "[optimizer]\nbeta1 = 0.1\nbeta2 = 0.2\nencoder_lr = 2\ndecoder_lr = 3\nheads_lr = 4\n"
        "[schedule]\npatience = 7\nstep_epochs = 8\nt0 = 9\n[training]\nearly_stopping.patience = 6\n"
        "[augmentation]\nprobability = 0.1\nstatic_dropout = 0.2\ndrift_sd = 0.3\nstatic_noise_sd = 0.4\n"
        "band_probability = 0.7\nhigh_pass_hz = [1, 2]\nlow_pass_hz = [3, 4]\n"
        "[degradation]\nprobability = 0.5\nnoise_sd = 0.6\ncoloured_sd = [5, 6]\nmains_sd = [7, 8]\n");
    CHECK(config.loss.weights == abr::PerComponent<double>{{1, 2, 3, 4, 5, 6, 7}});
    CHECK(config.loss.distance[abr::Component::signal].delta == 7);
    CHECK(config.loss.distance[abr::Component::peak_latency].delta == 8);
    CHECK(config.loss.distance[abr::Component::peak_latency].type == abr::Distance::l1);
    CHECK(config.loss.distance[abr::Component::peak_amplitude].delta == 9);
    CHECK(config.loss.distance[abr::Component::peak_amplitude].type == abr::Distance::mse);
    CHECK(config.loss.distance[abr::Component::threshold].delta == 10);
    CHECK(config.curriculum.class_start == 1);
    CHECK(config.curriculum.peak_start == 2);
    CHECK(config.curriculum.threshold_start == 3);
    CHECK(config.curriculum.ramp_epochs == 4);
    CHECK(config.optimizer.beta1 == 0.1);
    CHECK(config.optimizer.beta2 == 0.2);
    CHECK(config.optimizer.encoder_lr == 2);
    CHECK(config.optimizer.decoder_lr == 3);
    CHECK(config.optimizer.heads_lr == 4);
    CHECK(config.schedule.patience == 7);
    CHECK(config.schedule.step_epochs == 8);
    CHECK(config.schedule.t0 == 9);
    CHECK(config.training.early_stopping.patience == 6);
    CHECK(config.augmentation.probability == 0.1f);
    CHECK(config.augmentation.static_dropout == 0.2f);
    CHECK(config.augmentation.drift_sd == 0.3f);
    CHECK(config.augmentation.static_noise_sd == 0.4f);
    CHECK(config.degradation.probability == 0.5);
    CHECK(config.degradation.noise_sd == 0.6f);
    CHECK(config.augmentation.band_probability == 0.7f);
    CHECK(config.augmentation.high_pass_hz == abr::LogRange{1, 2});
    CHECK(config.augmentation.low_pass_hz == abr::LogRange{3, 4});
    CHECK(config.degradation.coloured_sd == abr::LogRange{5, 6});
    CHECK(config.degradation.mains_sd == abr::LogRange{7, 8});
}
