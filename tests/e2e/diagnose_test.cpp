// The diagnosis of runs that were trained, live and afterwards.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

namespace {

namespace fs = std::filesystem;

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
    return count;
}

}  // namespace

TEST_CASE("a run is judged after every epoch: a finding is told once, and the files are those of diagnose") {
    const TemporaryFolder folder;
    const Outcome outcome = engine(folder.path, "run " + shipped("sick/signal_dominates.toml") +
                                                    " --quiet --set data.synthetic.patients=60"
                                                    " --set training.epochs=5 --experiment-name x");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    CHECK(times(outcome.err, "SIGNAL_DOMINATES: ") == 1);
    CHECK(contains(outcome.err, "loss.weights.signal = 2000.0 -> "));

    const Outcome diagnose = engine(folder.path, "diagnose runs/x --output-dir elsewhere --strict");
    CHECK(diagnose.code == 0);  // a warning is not critical
    CHECK(contains(diagnose.out, "x: warning, 5 epochs"));
    const std::string live = content(folder.path / "runs/x/diagnostics.json");
    CHECK(live == content(folder.path / "elsewhere/diagnostics.json"));
    CHECK(content(folder.path / "runs/x/diagnostics.md") ==
          content(folder.path / "elsewhere/diagnostics.md"));
    CHECK(Json::parse(live).at("findings").at(0).at("rule") == "SIGNAL_DOMINATES");

    const std::string as_set = engine(folder.path, "diagnose runs/x --as-set").out;
    CHECK(as_set.starts_with("--set loss.weights.signal="));
    CHECK(as_set.ends_with("\n"));
    // Another run takes the line as it is.
    CHECK(engine(folder.path, "config " + shipped("sick/signal_dominates.toml") + " " +
                                  as_set.substr(0, as_set.size() - 1))
              .code == 0);

    std::ofstream(folder.path / "runs/x/split.csv", std::ios::app) << "X,NORMAL,1,train\nX,NORMAL,1,test\n";
    CHECK(engine(folder.path, "diagnose runs/x --strict").code == 4);
    CHECK(engine(folder.path, "diagnose runs/x").code == 0);
    CHECK(contains(content(folder.path / "runs/x/diagnostics.md"), "SPLIT_LEAK"));
}

TEST_CASE("a run that failed is judged too, and one can do without diagnosis and event file") {
    const TemporaryFolder folder;
    const std::string run = "run " + shipped("quickstart.toml") + kTiny;
    const Outcome failed =
        engine(folder.path, run +
                                " --set optimizer.learning_rate=0.004 --set optimizer.weight_decay=1"
                                " --set optimizer.heads_lr=1000 --set schedule.type=constant"
                                " --set training.epochs=8 --set training.ema_decay=0 --experiment-name x");
    CHECK(failed.code == 1);
    CHECK(contains(failed.err, "critical LOSS_NOT_FINITE: column "));
    const Json json = read_json(folder.path / "runs/x/diagnostics.json");
    CHECK(json.at("verdict") == "critical");
    CHECK(json.at("findings").at(0).at("rule") == "LEARNING_RATE_HIGH");

    REQUIRE(engine(folder.path, run + " --set training.epochs=1 --set diagnostics.enabled=false"
                                      " --set logging.tensorboard=false --experiment-name y")
                .code == 0);
    CHECK_FALSE(fs::exists(folder.path / "runs/y/diagnostics.json"));
    CHECK_FALSE(fs::exists(folder.path / "runs/y/tensorboard"));
}

TEST_CASE("runs stand side by side, and the exit code tells whether they took the same first step") {
    const TemporaryFolder folder;
    const std::string run = "run " + shipped("quickstart.toml") + kTiny + " --set training.epochs=1 --quiet";
    REQUIRE(engine(folder.path, run + " --experiment-name x").code == 0);
    REQUIRE(engine(folder.path, run + " --experiment-name y --set optimizer.learning_rate=0.002").code == 0);
    REQUIRE(engine(folder.path, run + " --experiment-name z --set run.seed=5").code == 0);

    const Outcome same =
        engine(folder.path, "compare runs/x runs/y --epochs --first-step 1e-12 --csv both.csv");
    CHECK_MESSAGE(same.code == 0, same.err);
    CHECK(contains(same.out, "optimizer.learning_rate"));
    CHECK(contains(same.out, "first step: largest relative difference of y from x: 0\n"));
    CHECK(contains(same.out, "val_f1_macro"));
    CHECK_FALSE(contains(same.out, "run.name"));
    const std::string csv = content(folder.path / "both.csv");
    CHECK(csv.starts_with("kind,name,epoch,x,y\n"));
    CHECK(contains(csv, ",0.002\n"));
    CHECK(engine(folder.path, "compare runs/x runs/y runs/z --first-step 1e-4").code == 1);
    CHECK(engine(folder.path, "compare runs/x runs/z").code == 0);

    CHECK(engine(folder.path, "compare runs/x").code == 2);
    CHECK(contains(engine(folder.path, "compare runs/x runs/../runs/x").err, "is named twice"));
    CHECK(contains(engine(folder.path, "compare runs/x none").err, "no such folder"));
    CHECK(contains(engine(folder.path, "compare runs/x runs/y --csv runs").err, "is a folder"));
}

TEST_CASE("diagnose refuses what is no run, and prints the reference of docs/diagnostics.md") {
    const TemporaryFolder folder;
    CHECK(contains(engine(folder.path, "diagnose none").err, "no such folder"));
    CHECK(contains(engine(folder.path, "diagnose .").err, "holds no run"));
    const Outcome docs = engine(folder.path, "diagnose --docs");
    CHECK(docs.code == 0);
    CHECK(content(ABR_SOURCE_DIR "/docs/diagnostics.md").ends_with(docs.out));
}
