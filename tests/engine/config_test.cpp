// How a configuration is read from a file and from --set.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/engine/config_fixture.hpp"

using namespace abr;
using namespace abr::test;

namespace fs = std::filesystem;

TEST_CASE("an empty file is the default configuration, named after the file") {
    const Config config = load("");
    CHECK(config.run.name == "run");
    CHECK(config.run.seed == 42);
    CHECK(config.data.source == abr::DataSource::synthetic);
    CHECK(config.data.synthetic.patients == 2038);
    CHECK(config.training.epochs == 30);
    CHECK(config.loss.weights[abr::Component::classification] == 2.5);
    CHECK(config.loss.weight_written_at[abr::Component::classification].empty());
}

TEST_CASE("pitfall 5: an unknown key is an error with file, line, column and the nearest valid key") {
    const TemporaryFolder folder;
    const fs::path file = write_config(folder, "[training]\n\n  epoch = 3\n");
    try {
        abr::load_config(file);
        FAIL("accepted");
    } catch (const ConfigError& error) {
        REQUIRE(error.problems().size() == 1);
        const ConfigProblem& problem = error.problems().front();
        CHECK(problem.place.text() == file.string() + ":3:3");
        CHECK(problem.key == "training.epoch");
        CHECK(problem.value == "3");
        CHECK(problem.nearest == "training.epochs");
        CHECK(std::string(error.what()).find("run.toml:3:3: training.epoch = 3: unknown key") !=
              std::string::npos);
        CHECK(std::string(error.what()).find("training.epochs") != std::string::npos);
    }
}

TEST_CASE("the nearest key corrects letters and sections") {
    const auto nearest = [](const std::string& path) { return abr::nearest_key(abr::split_path(path)); };
    CHECK(nearest("optimizer.learning_rat") == "optimizer.learning_rate");
    CHECK(nearest("training.learning_rate") == "optimizer.learning_rate");
    CHECK(nearest("loss.wieghts.signal") == "loss.weights.signal");
    CHECK(nearest("modle.kernel") == "model.kernel");
    CHECK(nearest("epochs") == "training.epochs");
    CHECK(nearest("data.synthetic.patient") == "data.synthetic.patients");
    CHECK(nearest("curriculum.signal.form") == "curriculum.signal.from");
    CHECK(nearest(std::string(5000, 'x')).empty());
}

TEST_CASE("pitfall 5: values of a wrong type or out of range are errors, all at once, in their order") {
    const auto found = problems(
        "[training]\nepochs = \"ten\"\nbatch_size = 64.0\n[optimizer]\nlearning_rate = -1\nbeta1 = nan\n"
        "epsilon = 1e400\nweight_decay = inf\n[model]\nbase_channels = 9223372036854775807\nkernel = true\n"
        "[loss.weights]\nsignal = -0.5\n[unknown]\na = 1\nb = 2\n[curriculum]\nsignal = 5\n");
    // 1e400 is no number of TOML: a syntax error stands alone.
    REQUIRE(found.size() == 1);
    CHECK(found.front().place.line == 7);

    const auto all = problem_keys(
        "[training]\nepochs = \"ten\"\nbatch_size = 64.0\n[optimizer]\nlearning_rate = -1\nbeta1 = nan\n"
        "weight_decay = inf\n[model]\nbase_channels = 9223372036854775807\nkernel = true\n"
        "[loss.weights]\nsignal = -0.5\n[unknown]\na = 1\nb = 2\n[curriculum]\nsignal = 5\n");
    CHECK(all == Keys{"training.epochs", "training.batch_size", "optimizer.learning_rate", "optimizer.beta1",
                      "optimizer.weight_decay", "model.base_channels", "model.kernel", "loss.weights.signal",
                      "unknown.a", "unknown.b", "curriculum.signal"});
    const auto range = problems("[training]\nepochs = 100001\n");
    REQUIRE(range.size() == 1);
    CHECK(range.front().message == "allowed: 1 … 100000");
    const auto type = problems("[training]\nepochs = \"ten\"\n");
    REQUIRE(type.size() == 1);
    CHECK(type.front().message == "expected type integer, found text; allowed: 1 … 100000");
    CHECK(type.front().place.column == 10);
}

TEST_CASE("integers are accepted where numbers are meant") {
    CHECK(load("[optimizer]\nweight_decay = 0\nlearning_rate = 1\n").optimizer.learning_rate == 1.0);
    CHECK(load("[loss.signal]\ntype = \"huber\"\ndelta = 2\n").loss.distance[abr::Component::signal].delta ==
          2.0f);
}

TEST_CASE("a syntax error is reported alone with its line") {
    for (const char* text :
         {"[training\nepochs = 3\n", "[a]\nx = 1\nx = 2\n", "x = \xff\xfe\n", "x = [1, \n"}) {
        CAPTURE(text);
        const auto found = problems(std::string("[nonsense]\nkey = 1\n") + text);
        REQUIRE(found.size() == 1);
        CHECK(found.front().place.line >= 3);
        CHECK(found.front().key.empty());
    }
}

TEST_CASE("a file that is missing, a folder or no text is a clear error") {
    const TemporaryFolder folder;
    CHECK_THROWS_WITH_AS(abr::load_config(folder.path / "none.toml"),
                         doctest::Contains("no such configuration file"), ConfigError);
    CHECK_THROWS_WITH_AS(abr::load_config(folder.path), doctest::Contains("is a folder"), ConfigError);
    CHECK_THROWS_AS(abr::load_config(write_config(folder, std::string("\0\1\2", 3))), ConfigError);
    CHECK_THROWS_WITH_AS(abr::load_config(write_config(folder, std::string(2 << 20, '#'))),
                         doctest::Contains("larger than 1 MiB"), ConfigError);
    CHECK_THROWS_AS(abr::load_config(""), ConfigError);
}

TEST_CASE("keys with dots inside quotes are not the keys they look like") {
    CHECK(problem_keys("\"training.epochs\" = 3\n") == Keys{"\"training.epochs\""});
}

TEST_CASE("what a later version brings is answered, written either way") {
    CHECK(problem_keys("[logging]\nreport = true\n") == Keys{"logging.report"});
    CHECK(problem_keys("[logging.report]\nlanguage = \"en\"\n") == Keys{"logging.report"});
    CHECK(problem_keys("", {"logging.report.language=en"}) == Keys{"logging.report.language"});
    for (const char* value : {"bf16", "fp64", "32", "[\"fp32\"]"}) {
        CAPTURE(value);
        const auto found = problems("", {std::string("run.precision=") + value});
        REQUIRE(found.size() == 1);
        CHECK(found.front().key == "run.precision");
        CHECK(found.front().message == "not available in this version; allowed: \"fp32\"");
    }
    CHECK(problem_keys("[run.precision]\nof = \"fp32\"\n") == Keys{"run.precision"});
}

TEST_CASE("a key that had one value is passed over where that is written, as earlier versions echoed it") {
    CHECK(load("[run]\nprecision = \"fp32\"\nthreads = 3\n").run.threads == 3);
    CHECK(load("", {"run.precision=fp32"}).run.threads == 0);
    CHECK(abr::to_toml(load("[run]\nprecision = \"fp32\"\n")).find("precision") == std::string::npos);
}

TEST_CASE("--set takes a TOML value or else text, and the last one counts") {
    const Config config = load("[training]\nepochs = 3\n",
                               {"training.epochs=5", "training.epochs = 7", "schedule.type=constant",
                                "model.stem_kernels=[3, 5]", "model.stem_dilations=[1, 2]", "run.name=2024",
                                "loss.class_weights=balanced", "optimizer.learning_rate=1e-4"});
    CHECK(config.training.epochs == 7);
    CHECK(config.schedule.type == abr::ScheduleType::constant);
    CHECK(config.model.stem_kernels == std::vector<int>{3, 5});
    CHECK(config.run.name == "2024");
    CHECK(config.loss.class_weighting == abr::ClassWeighting::balanced);
    CHECK(config.optimizer.learning_rate == 1e-4);

    CHECK(problems("", {"training.epochs"}).size() == 1);
    CHECK(problems("", {"=3"}).size() == 1);
    CHECK(problems("", {"training.epochs="}).size() == 1);
    CHECK(problems("", {"run.name=\xff"}).size() == 1);
    // A value cannot smuggle in a second key.
    CHECK(problem_keys("", {"training.epochs=3\nbatch_size = 1"}) == Keys{"training.epochs"});
    const auto unknown = problems("", {"trainig.epochs=3"});
    REQUIRE(unknown.size() == 1);
    CHECK(unknown.front().place.text() == "--set trainig.epochs=3");
    CHECK(unknown.front().nearest == "training.epochs");
}

TEST_CASE("an override mends a wrong value of the file") {
    CHECK(load("[training]\nepochs = -1\n", {"training.epochs=2"}).training.epochs == 2);
}

TEST_CASE("a relative path is below the file that names it, or below the current folder from --set") {
    const TemporaryFolder folder;
    fs::create_directory(folder.path / "sub");
    const fs::path file =
        write_config(folder, "[data]\nsource = \"csv\"\npath = \"../r.csv\"\n", "sub/run.toml");
    CHECK(abr::load_config(file).data.path == folder.path / "r.csv");
    const std::vector<std::string> overrides = {"data.path=r.csv"};
    CHECK(abr::load_config(file, overrides).data.path == fs::current_path() / "r.csv");
    CHECK(abr::load_config(fs::relative(file), overrides).data.path == fs::current_path() / "r.csv");
    CHECK(abr::load_config(fs::relative(file)).data.path == folder.path / "r.csv");
}

TEST_CASE("seeds of split and cohort follow run.seed unless they are written") {
    const Config config = load("[run]\nseed = 7\n[data]\nsplit_seed = 9\n");
    CHECK(config.data.split_seed == 9);
    CHECK(config.data.synthetic.seed == 7);
    CHECK(load("[run]\nseed = 7\n").data.split_seed == 7);
}
