// Sections with rules of their own, and keys that contradict one another.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/engine/config_fixture.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("the numbers of the diagnostic rules are keys with types and limits of their own") {
    const Config config = load("[diagnostics.loss_high]\nloss = 20\nepochs = 3\n");
    CHECK(config.diagnostics.settings.at("diagnostics.loss_high.loss") == 20);
    CHECK(load(abr::to_toml(config)).diagnostics.settings.at("diagnostics.loss_high.epochs") == 3);
    CHECK(problem_keys("", {"diagnostics.loss_high.epochs=2.5"}) == Keys{"diagnostics.loss_high.epochs"});
    CHECK(problem_keys("", {"diagnostics.loss_high.epochs=0"}) == Keys{"diagnostics.loss_high.epochs"});
    CHECK(problem_keys("", {"diagnostics.class_rare.level=1.5"}) == Keys{"diagnostics.class_rare.level"});
    CHECK(problem_keys("", {"diagnostics.no_such_rule.level=1"}) == Keys{"diagnostics.no_such_rule.level"});
}

TEST_CASE("columns, class names and filters of a spreadsheet are read and echoed") {
    const std::string text =
        "[data]\nsource = \"csv\"\npath = \"/d/r.csv\"\nsample_interval_ms = 0.1\n"
        "[data.columns]\npatient_id = \"Patient_ID\"\nsignal = { prefix = \"\", first = 1, count = 200 }\n"
        "[data.class_aliases]\nNEUROPATHY = [\"N\u00d6ROPAT\u0130\", \"an\"]\n"
        "[data.filters]\n\"Stimulus Polarity\" = \"Alternate\"\n"
        "\"Sweeps Rejected\" = { at_least = 1, less_than = 100 }\nEar = { one_of = [\"L\", 2] }\n"
        "Code = { not = 3 }\n";
    const Config config = load(text);
    CHECK(config.data.columns.patient_id == "Patient_ID");
    CHECK(config.data.columns.signal == abr::SampleColumns{"", 1, 200});
    CHECK(config.data.class_aliases.at("NEUROPATHY") == std::vector<std::string>{"N\u00d6ROPAT\u0130", "an"});
    REQUIRE(config.data.filters.size() == 5);
    const abr::RowFilter& polarity = config.data.filters[0];
    CHECK(polarity.column == "Stimulus Polarity");
    CHECK(polarity.operation == abr::FilterOperation::equals);
    CHECK(std::get<std::string>(polarity.values.at(0)) == "Alternate");
    CHECK(polarity.written_at.ends_with("run.toml:11:23"));
    CHECK(config.data.filters[2].operation == abr::FilterOperation::less_than);
    CHECK(std::get<double>(config.data.filters[2].values.at(0)) == 100);
    CHECK(config.data.filters[3].values.size() == 2);
    CHECK(config.data.filters[4].operation == abr::FilterOperation::not_equal);

    const std::string echo = abr::to_toml(config);
    CHECK(abr::to_toml(load(echo)) == echo);
    CHECK(load(echo).data.filters.size() == 5);

    const std::string file = "[data]\nsource = \"csv\"\npath = \"r.csv\"\n";
    for (const std::string filter :
         {"X = true", "X = { }", "X = { less_then = 3 }", "X = { less_than = \"3\" }", "X = { one_of = [] }",
          "X = [1]", "X = nan", "X = { one_of = 3 }"}) {
        CAPTURE(filter);
        CHECK(problem_keys(file + "[data.filters]\n" + filter) == Keys{"data.filters.X"});
    }
}

TEST_CASE("contradictions between keys are errors") {
    const auto keys = [](const std::string& text) { return problem_keys(text); };
    CHECK(keys("[data]\ntrain = 0.8\n") == Keys{"data.train"});
    CHECK(keys("[data]\nsource = \"csv\"\n") == Keys{"data.source"});
    CHECK(keys("[data]\npath = \"r.csv\"\n") == Keys{"data.path"});
    CHECK(keys("[data]\nsample_interval_ms = 0.1\n") == Keys{"data.sample_interval_ms"});
    CHECK(keys("[data.filters]\nX = 1\n") == Keys{"data.filters.X"});
    CHECK(keys("[data.columns]\near = \"X\"\n") == Keys{"data.columns.ear"});
    CHECK(keys("[data]\nclasses = [\"A\", \"B\"]\n") == Keys{"data.classes"});
    CHECK(keys("[model]\nkernel = 8\n") == Keys{"model.kernel"});
    CHECK(keys("[model]\nstem_kernels = [3, 4, 5]\n") == Keys{"model.stem_kernels"});
    CHECK(keys("[model]\nstem_kernels = [3, 5]\n") == Keys{"model.stem_kernels"});
    CHECK(keys("[model]\nheads = 7\n") == Keys{"model.heads"});
    CHECK(keys("[model]\ngroups = 5\n") == Keys{"model.groups"});
    CHECK(keys("[model]\nbase_channels = 512\nlevels = 8\n") == Keys{"model.levels"});
    CHECK(keys("[loss]\nclass_weights = [1, 2]\n") == Keys{"loss.class_weights"});
    CHECK(keys("[loss]\nclass_weights = [0, 0, 0, 0, 0]\n") == Keys{"loss.class_weights"});
    CHECK(keys("[loss]\nclass_weights = [1, 1, 1, 1, -1]\n") == Keys{"loss.class_weights"});
    CHECK(keys("[loss]\nclass_weight_power = 0.5\n") == Keys{"loss.class_weight_power"});
    CHECK(keys("[loss.weights]\nsignal = 0\npeak_exist = 0\npeak_latency = 0\npeak_amplitude = 0\n"
               "classification = 0\nthreshold = 0\n") == Keys{"loss.weights.signal"});
    CHECK(keys("[curriculum]\nclass_start = 2\n[curriculum.classification]\nto = 0.5\n") ==
          Keys{"curriculum.class_start"});
    CHECK(keys("[curriculum]\npeak_start = 2\n[curriculum.peak_exist]\nto = 0.5\n").empty());
    CHECK(keys("[curriculum.signal]\nfrom = 0.5\n") == Keys{"curriculum.signal.from"});
    CHECK(keys("[schedule]\nwarmup_epochs = 31\n") == Keys{"schedule.warmup_epochs"});
    CHECK(keys("[schedule]\nmin_lr = 0.01\n") == Keys{"schedule.min_lr"});
    CHECK(keys("[augmentation]\nscale = [1.1, 0.9]\n") == Keys{"augmentation.scale"});
    CHECK(keys("[augmentation]\nscale = [1.1]\n") == Keys{"augmentation.scale"});
    CHECK(keys("[augmentation]\nhigh_pass_hz = [0, 100]\n") == Keys{"augmentation.high_pass_hz"});
    CHECK(keys("[augmentation]\nlow_pass_hz = [3000, 1500]\n") == Keys{"augmentation.low_pass_hz"});
    CHECK(keys("[degradation]\ncoloured_sd = [0, 1]\n") == Keys{"degradation.coloured_sd"});
    CHECK(keys("[degradation]\nmains_sd = [2, 1]\n") == Keys{"degradation.mains_sd"});
    CHECK(keys("[degradation]\ncoloured_sd = [0, 0]\nmains_sd = [1, 1]\n").empty());
    for (const char* name : {"", "a/b", "..", "a\\nb"}) {
        CHECK(keys(std::string("[run]\nname = \"") + name + "\"\n") == Keys{"run.name"});
    }
    const std::string csv = "[data]\nsource = \"csv\"\npath = \"r.csv\"\n";
    CHECK(keys(csv + "[data.class_aliases]\nNEUROPATHI = [\"x\"]\n") ==
          Keys{"data.class_aliases.NEUROPATHI"});
    CHECK(keys(csv + "[data.class_aliases]\nSNHL = [\"x\"]\nTOTAL = [\"x\"]\n") ==
          Keys{"data.class_aliases.TOTAL"});
    CHECK(keys(csv + "[data.class_aliases]\nSNHL = [\"NORMAL\"]\n") == Keys{"data.class_aliases.SNHL"});
    CHECK(keys(csv + "[data.columns]\nfmp = \"X\"\near = \"X\"\n").size() == 1);
    CHECK(keys(csv + "[data.columns]\nclean = { prefix = \"s\" }\n").size() == 1);
    CHECK(keys(csv + "classes = [\"A\", \"A\"]\n") == Keys{"data.classes"});
}

TEST_CASE("a rule waits where a value that it needs could not be read") {
    CHECK(problem_keys("[model]\ngroups = 5\nbase_channels = \"wide\"\n") == Keys{"model.base_channels"});
}

TEST_CASE("pitfall 7: written loss weights are told from defaults, with their place") {
    const Config config = load("[loss.weights]\nthreshold = 0.5\n", {"loss.weights.signal=2"});
    CHECK(config.loss.weight_written_at[abr::Component::threshold].ends_with("run.toml:2:13"));
    CHECK(config.loss.weight_written_at[abr::Component::signal] == "--set loss.weights.signal=2");
    CHECK(config.loss.weight_written_at[abr::Component::peak_exist].empty());
}

TEST_CASE("a ramp of its own replaces the start, and is echoed without it") {
    const Config config = load("[curriculum.classification]\nfrom = 0.25\nepochs = 4\nshape = \"cosine\"\n");
    const auto& ramp = config.curriculum.ramps[abr::Component::classification];
    REQUIRE(ramp.has_value());
    CHECK(ramp->from == 0.25);
    CHECK(ramp->to == 1.0);
    CHECK(ramp->shape == abr::RampShape::cosine);
    CHECK_FALSE(config.curriculum.ramps[abr::Component::signal].has_value());
    const std::string echo = abr::to_toml(config);
    CHECK(echo.find("class_start") == std::string::npos);
    CHECK(abr::to_toml(load(echo)) == echo);
}

TEST_CASE("two configurations differ in the keys that have other values, and in no other") {
    const auto differences = [](const std::string& first, const std::string& second) {
        std::vector<std::string> texts;
        for (const auto& d : abr::config_differences(load(first), load(second)))
            texts.push_back(d.key + ": " + d.first + " -> " + d.second);
        return texts;
    };
    using Texts = std::vector<std::string>;
    CHECK(differences("[training]\nepochs = 30", "") == Texts{});
    CHECK(differences("training.epochs = 3\noptimizer.learning_rate = 1e-4\nmodel.stem_kernels = [3, 5, 7]",
                      "") == Texts{"model.stem_kernels: [3, 5, 7] -> [3, 7, 15]", "training.epochs: 3 -> 30",
                                   "optimizer.learning_rate: 0.0001 -> 0.001"});
    const std::string csv = "[data]\nsource = \"csv\"\npath = \"/x.csv\"\nsample_interval_ms = 0.1\n";
    CHECK(differences(csv + "[data.filters]\nAge = { less_than = 9 }\nFMP = 1",
                      csv + "[data.filters]\nAge = { at_most = 9 }\nFMP = 1") ==
          Texts{"data.filters.Age: { less_than = 9.0 } -> { at_most = 9.0 }"});
    CHECK(differences(csv + "[data.class_aliases]\nSNHL = [\"s\"]", csv) ==
          Texts{"data.class_aliases.SNHL: [\"s\"] -> "});
}
