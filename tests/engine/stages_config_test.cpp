// Stages in a configuration: how they are read, checked, echoed and compared.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/config/curriculum.hpp"
#include "tests/engine/config_fixture.hpp"

using namespace abr;
using namespace abr::test;

namespace {

const std::string kTwoStages =
    "[training]\nepochs = 7\n[optimizer]\nlearning_rate = 1e-3\n"
    "[[stages]]\nname = \"pretrain\"\ntraining.epochs = 5\n"
    "loss.weights = { classification = 0, threshold = 0 }\n"
    "[[stages]]\nname = \"finetune\"\nfreeze = [\"stem\", \"encoder.0\"]\nfresh = [\"heads.threshold\"]\n"
    "init_from = \"a.safetensors\"\n"
    "[stages.optimizer]\nlearning_rate = 1e-4\n[stages.loss.weights]\nsignal = 0\n";

}  // namespace

TEST_CASE("stages: without any the run has one, which is the configuration itself") {
    const Config config = load("[training]\nepochs = 3\n");
    CHECK(config.stages.empty());
    REQUIRE(stages_of(config).size() == 1);
    CHECK(&stages_of(config).front() == &config);
    CHECK(to_toml(config).find("stages") == std::string::npos);
}

TEST_CASE("stages: each is the configuration around it with what it writes on top") {
    const TemporaryFolder folder;
    const Config config = load_config(write_config(folder, kTwoStages));
    REQUIRE(config.stages.size() == 2);
    constexpr double kLocation = task_of(Component::peak_location).default_weight;
    const Config &pretrain = config.stages[0], &finetune = config.stages[1];
    CHECK(pretrain.stage.name == "pretrain");
    CHECK(pretrain.stage.init_from.empty());
    CHECK(pretrain.training.epochs == 5);
    CHECK(pretrain.optimizer.learning_rate == 1e-3);
    CHECK(pretrain.loss.weights == PerComponent<double>{{0.8, 0.6, 1.2, 1.2, 0, 0, kLocation}});
    CHECK(finetune.stage.name == "finetune");
    CHECK(finetune.stage.init_from == folder.path / "a.safetensors");
    CHECK(finetune.stage.freeze == std::vector<std::string>{"stem", "encoder.0"});
    CHECK(finetune.stage.fresh == std::vector<std::string>{"heads.threshold"});
    CHECK(finetune.training.epochs == 7);
    CHECK(finetune.optimizer.learning_rate == 1e-4);
    CHECK(finetune.loss.weights == PerComponent<double>{{0, 0.6, 1.2, 1.2, 2.5, 1.0, kLocation}});
    CHECK(finetune.loss.weight_written_at[Component::signal].ends_with("run.toml:17:10"));
    CHECK(finetune.loss.weight_written_at[Component::threshold].empty());
    CHECK(config.loss.weights == LossConfig{}.weights);
    for (const Config& stage : config.stages) CHECK(stage.stages.empty());

    const Config previous = load("[[stages]]\nname = \"a\"\n[[stages]]\nname = \"b\"\n");
    CHECK(previous.stages[0].stage.init_from.empty());
    CHECK(previous.stages[1].stage.init_from == kPreviousStage);
    const Config written =
        load("[[stages]]\nname = \"a\"\n[[stages]]\nname = \"b\"\ninit_from = \"previous\"\n");
    CHECK(written.stages[1].stage.init_from == kPreviousStage);
}

TEST_CASE("stages: --set reaches the whole run and each stage by its name") {
    const Config config =
        load(kTwoStages, {"training.epochs=9", "stages.finetune.optimizer.learning_rate=1e-5",
                          "stages.pretrain.freeze=[\"heads\"]", "stages.finetune.schedule.type=constant"});
    CHECK(config.stages[0].training.epochs == 5);
    CHECK(config.stages[1].training.epochs == 9);
    CHECK(config.stages[0].optimizer.learning_rate == 1e-3);
    CHECK(config.stages[1].optimizer.learning_rate == 1e-5);
    CHECK(config.stages[0].stage.freeze == std::vector<std::string>{"heads"});
    CHECK(config.stages[0].schedule.type == ScheduleType::cosine);
    CHECK(config.stages[1].schedule.type == ScheduleType::constant);
    for (const std::string wrong : {"stages.other.training.epochs=1", "stages.pretrain=1", "stages=[]"})
        CHECK(problem_keys(kTwoStages, {wrong}) == Keys{wrong.substr(0, wrong.find('='))});
}

TEST_CASE("stages: the resolved configuration holds what each writes, and reads back the same") {
    const TemporaryFolder folder;
    const Config config = load_config(write_config(folder, kTwoStages));
    const std::string echo = to_toml(config);
    CHECK(echo.ends_with(
        "\n[[stages]]\nname = \"pretrain\"\n\n[stages.loss.weights]\nclassification = 0.0\n"
        "threshold = 0.0\n\n[stages.training]\nepochs = 5\n"
        "\n[[stages]]\nname = \"finetune\"\ninit_from = \"" +
        (folder.path / "a.safetensors").string() +
        "\"\nfresh = [\"heads.threshold\"]\nfreeze = [\"stem\", \"encoder.0\"]\n"
        "\n[stages.loss.weights]\nsignal = 0.0\n\n[stages.optimizer]\nlearning_rate = 0.0001\n"));
    const Config again = load_config(write_config(folder, echo, "echo.toml"));
    CHECK(to_toml(again) == echo);
    CHECK(config_differences(config, again).empty());
}

TEST_CASE("stages: what only the whole run can have is refused with the reason, at its place") {
    for (const std::string key :
         {"run.seed = 1", "run.name = \"x\"", "data.train = 0.5", "data.path = \"x\"", "model.levels = 2",
          "training.checkpoint_minutes = 1", "logging.steps_every = 2", "diagnostics.enabled = false",
          "data.filters.Age = 3"}) {
        CAPTURE(key);
        const auto found = problems("[[stages]]\nname = \"a\"\n" + key + "\n");
        REQUIRE(found.size() == 1);
        CHECK(found.front().place.line == 3);
        CHECK(found.front().key == "stages.a." + key.substr(0, key.find(' ')));
        CHECK(contains(found.front().message, "no stage can set it: "));
    }
    // Every key is one or the other; model.dropout shapes nothing.
    for (const Key& key : config_keys()) {
        CAPTURE(key.path);
        const std::string section = key.path.substr(0, key.path.find('.'));
        const bool per_stage = section == "loss" || section == "curriculum" || section == "optimizer" ||
                               section == "schedule" || section == "degradation" ||
                               section == "augmentation" || section == "stages" ||
                               key.path == "model.dropout" ||
                               (section == "training" && key.path != "training.checkpoint_minutes");
        CHECK(whole_run_reason(key).empty() == per_stage);
    }
}

TEST_CASE("stages: mistakes have a place, the stage's name and the nearest key") {
    const auto one = [](const std::string& text) {
        const auto found = problems(text);
        REQUIRE(found.size() == 1);
        return found.front();
    };
    const auto unknown = one("[[stages]]\nname = \"a\"\ntraining.epoch = 3\n");
    CHECK(unknown.key == "stages.a.training.epoch");
    CHECK(unknown.nearest == "training.epochs");
    CHECK(unknown.place.line == 3);
    CHECK(one("[[stages]]\nname = \"a\"\nfreez = []\n").message == "unknown key");
    CHECK(one("[[stages]]\nname = \"a\"\noptimizer.beta1 = 2\n").key == "stages.a.optimizer.beta1");
    CHECK(one("[[stages]]\nname = \"a\"\nfreeze = \"stem\"\n").key == "stages.a.freeze");
    CHECK(one("[[stages]]\nname = \"a\"\nlogging.report = true\n").key == "stages.a.logging.report");
    CHECK(contains(one("[[stages]]\nname = \"a\"\n[[stages.stages]]\nname = \"b\"\n").message,
                   "a stage has no stages"));
    CHECK(one("stages = 3\n").key == "stages");
    CHECK(one("[stages]\nname = \"a\"\n").key == "stages");
    for (const std::string name : {"", "name = \"\"", "name = \"a b\"", "name = \"a,b\"", "name = \"ä\""})
        CHECK(contains(one("[[stages]]\n" + name + "\n").message, "a stage needs a name"));
    CHECK(contains(one("[[stages]]\nname = \"" + std::string(51, 'a') + "\"\n").message, "at most 50"));
    const auto twice = one("[[stages]]\nname = \"a\"\n[[stages]]\nname = \"a\"\n");
    CHECK(twice.place.line == 4);
    CHECK(contains(twice.message, "another stage has this name"));
    CHECK(contains(one("[[stages]]\nname = \"a\"\ninit_from = \"previous\"\n").message, "before the first"));
}

TEST_CASE("stages: contradictions are those of the stage, at what it writes") {
    const auto warmup = problems(
        "[schedule]\nwarmup_epochs = 4\n[[stages]]\nname = \"a\"\ntraining.epochs = 9\n"
        "[[stages]]\nname = \"b\"\ntraining.epochs = 3\n");
    REQUIRE(warmup.size() == 1);
    CHECK(warmup.front().key == "stages.b.training.epochs");
    CHECK(warmup.front().place.line == 8);
    // What is wrong around the stages is said once.
    CHECK(problem_keys("[schedule]\nwarmup_epochs = 50\n[[stages]]\nname = \"a\"\nmodel.dropout = 0.5\n"
                       "[[stages]]\nname = \"b\"\n") == Keys{"schedule.warmup_epochs"});
    CHECK(problem_keys(
              "[[stages]]\nname = \"a\"\nloss.weights = { signal = 0, peak_exist = 0, peak_latency = 0, "
              "peak_amplitude = 0, classification = 0, threshold = 0 }\n") ==
          Keys{"stages.a.loss.weights.signal"});
    // A ramp in a stage replaces a start around it, as it overrides it; a start in a stage cannot replace a
    // ramp.
    CHECK(problems("[curriculum]\nclass_start = 3\n[[stages]]\nname = \"a\"\n"
                   "curriculum.classification.epochs = 4\n")
              .empty());
    CHECK(problem_keys("[curriculum.classification]\nepochs = 4\n[[stages]]\nname = \"a\"\n"
                       "curriculum.class_start = 2\n") == Keys{"stages.a.curriculum.class_start"});
}

TEST_CASE("stages: another stage, another value in one and another value of the run are told apart") {
    const Config first = load(kTwoStages);
    const auto keys = [&](const std::vector<std::string>& overrides, const std::string& text = kTwoStages) {
        Keys found;
        for (const auto& difference : config_differences(first, load(text, overrides)))
            if (difference.key != "stages.finetune.init_from") found.push_back(difference.key);
        return found;
    };
    CHECK(keys({}).empty());
    CHECK(keys({"training.epochs=9"}) == Keys{"stages.finetune.training.epochs"});
    CHECK(keys({"stages.pretrain.optimizer.beta1=0.5"}) == Keys{"stages.pretrain.optimizer.beta1"});
    CHECK(keys({"stages.pretrain.freeze=[\"stem\"]"}) == Keys{"stages.pretrain.freeze"});
    CHECK(keys({"run.seed=3"}) == Keys{"run.seed", "data.split_seed", "data.synthetic.seed"});
    CHECK(keys({}, "[training]\nepochs = 7\n") == Keys{"stages"});
    CHECK(keys({}, kTwoStages + "[[stages]]\nname = \"third\"\n") == Keys{"stages"});
}

TEST_CASE(
    "curriculum: a start of one component's own is read, echoed and may not contradict the shared one") {
    const TemporaryFolder folder;
    const auto echoed = [&](const std::string& text) {
        const Config config = load(text);
        const std::string echo = to_toml(config);
        const Config again = load_config(write_config(folder, echo));
        CHECK(config_differences(config, again).size() <= 1);  // the name of the run
        for (std::size_t c = 0; c < kComponents; ++c)
            CHECK(start_epoch(again.curriculum, static_cast<Component>(c)) ==
                  start_epoch(config.curriculum, static_cast<Component>(c)));
        return echo;
    };
    const std::string plain = echoed("");
    CHECK(contains(plain, "class_start = 0\npeak_start = 0\nthreshold_start = 0\n"));
    CHECK_FALSE(contains(plain, "[curriculum."));
    const std::string own = echoed("[curriculum]\npeak_start = 2\n[curriculum.threshold]\nstart = 4\n");
    CHECK(contains(own, "class_start = 0\npeak_start = 2\nramp_epochs = 0\n"));
    CHECK(contains(own, "[curriculum.threshold]\nstart = 4\n"));
    // With one of the three at a start of its own, each has its line.
    const std::string peaks = echoed("[curriculum.peak_latency]\nstart = 5\n");
    CHECK_FALSE(contains(peaks, "peak_start"));
    CHECK(contains(peaks, "[curriculum.peak_exist]\nstart = 0\n"));
    CHECK(contains(peaks, "[curriculum.peak_latency]\nstart = 5\n"));
    CHECK(contains(peaks, "[curriculum.peak_amplitude]\nstart = 0\n"));
    echoed("[curriculum]\npeak_start = 3\n[curriculum.peak_latency]\nepochs = 4\n");
    echoed("[curriculum.signal]\nstart = 1\n[curriculum.peak_latency]\nstart = 2\nepochs = 4\nfrom = 0.5\n");

    CHECK(problems("[curriculum]\nclass_start = 3\n[curriculum.classification]\nstart = 3\n").empty());
    const auto both = problems("[curriculum]\npeak_start = 3\n[curriculum.peak_latency]\nstart = 4\n");
    REQUIRE(both.size() == 1);
    CHECK(both.front().key == "curriculum.peak_start");
    CHECK(both.front().place.line == 2);
    CHECK(contains(both.front().message, "curriculum.peak_latency.start = 4 ("));
    CHECK(contains(both.front().message, "run.toml:4:9"));
    CHECK(problem_keys("[curriculum]\nthreshold_start = 3\n[curriculum.threshold]\nstart = 0\n") ==
          Keys{"curriculum.threshold_start"});
    // Of a stage the component's own start overrides the shared one around it, not the other way round.
    const std::string stage = "[[stages]]\nname = \"a\"\n";
    const Config config =
        load("[curriculum]\npeak_start = 3\n" + stage + "curriculum.peak_latency.start = 4\n");
    CHECK(start_epoch(config.stages[0].curriculum, Component::peak_latency) == 4);
    CHECK(start_epoch(config.stages[0].curriculum, Component::peak_exist) == 3);
    echoed("[curriculum]\npeak_start = 3\n" + stage + "curriculum.peak_latency.start = 4\n");
    CHECK(problem_keys("[curriculum.peak_latency]\nstart = 4\n" + stage + "curriculum.peak_start = 3\n") ==
          Keys{"stages.a.curriculum.peak_start"});
}
