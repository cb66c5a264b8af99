#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "kernels/components.hpp"
#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

namespace {

namespace fs = std::filesystem;

const std::string kQuickstart = "run " + shipped("quickstart.toml") + kTiny;

// Runs that draw random numbers for everything that the engine can draw them for.
const std::string kEverythingDrawn =
    kQuickstart +
    " --set augmentation.drift_sd=0.2 --set augmentation.static_noise_sd=0.1"
    " --set augmentation.static_dropout=0.1 --set model.dropout=0.2 --set degradation.probability=0.7"
    " --set training.sampler=balanced --set training.batch_size=24 --set training.accumulation=2"
    " --set curriculum.peak_start=1";

double ramped(int epoch, int start, int ramp) {
    if (epoch < start) return 0;
    return epoch < start + ramp ? (epoch - start + 1) / static_cast<double>(ramp) : 1;
}

// The sum of weight * loss over the components, as the tables give them.
double weighted_sum(const CsvTable::value_type& weights, const CsvTable::value_type& losses,
                    const std::string& prefix) {
    double sum = 0;
    for (const auto component : kComponentNames)
        sum += number(weights, "weight_" + std::string(component)) *
               number(losses, prefix + std::string(component));
    return sum;
}

constexpr double kLocation = task_of(Component::peak_location).default_weight;

struct Production {
    std::string file;
    PerComponent<double> weights;
    int class_start, peak_start, threshold_start, ramp;
    int epochs;  // of the test
};

void check_production(const Production& production) {
    const TemporaryFolder folder;
    const Outcome outcome = engine(
        folder.path, "run " + shipped(production.file) + kTiny +
                         " --set model.levels=2 --set training.epochs=" + std::to_string(production.epochs) +
                         " --experiment-name x");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    const CsvTable epochs = read_table(folder.path / "runs/x/epochs.csv");
    REQUIRE(epochs.size() == static_cast<std::size_t>(production.epochs));
    for (int e = 0; e < production.epochs; ++e) {
        CAPTURE(e);
        const auto& row = epochs[static_cast<std::size_t>(e)];
        CHECK(number(row, "epoch") == e);
        const double peak = ramped(e, production.peak_start, production.ramp);
        const PerComponent<double> factor = {{1, peak, peak, peak,
                                              ramped(e, production.class_start, production.ramp),
                                              ramped(e, production.threshold_start, production.ramp), peak}};
        double share = 0, final_total = 0;
        for (std::size_t c = 0; c < kComponents; ++c) {
            const std::string name(kComponentNames[c]);
            CHECK(number(row, "weight_" + name) ==
                  doctest::Approx(production.weights[c] * factor[c]).epsilon(1e-12));
            share += number(row, "train_share_" + name);
            final_total += production.weights[c] * number(row, "val_loss_" + name);
        }
        CHECK(share == doctest::Approx(1).epsilon(1e-12));
        CHECK(number(row, "train_loss_total") ==
              doctest::Approx(weighted_sum(row, row, "train_loss_")).epsilon(1e-12));
        CHECK(number(row, "val_loss_total") == doctest::Approx(final_total).epsilon(1e-12));
    }
    const CsvTable steps = read_table(folder.path / "runs/x/steps.csv");
    REQUIRE(steps.size() % epochs.size() == 0);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        CAPTURE(i);
        CHECK(number(steps[i], "step") == static_cast<double>(i));
        const auto& weights = epochs[static_cast<std::size_t>(number(steps[i], "epoch"))];
        CHECK(number(steps[i], "loss_total") ==
              doctest::Approx(weighted_sum(weights, steps[i], "loss_")).epsilon(1e-12));
    }
}

}  // namespace

TEST_CASE("run: the older production setting has the weights of its formula, and totals are their sums") {
    check_production({"production_before.toml", {{1.0, 0.5, 1.0, 1.0, 1.5, 0.8, kLocation}}, 3, 5, 10, 5, 6});
}

TEST_CASE("run: the improved production setting has the weights of its formula, and totals are their sums") {
    check_production(
        {"production_improved.toml", {{0.8, 0.6, 1.2, 1.2, 2.5, 1.0, kLocation}}, 0, 3, 8, 8, 9});
}

TEST_CASE("run: a cohort from a CSV file trains to the same bits as the cohort from the generator") {
    const TemporaryFolder folder;
    REQUIRE(engine(folder.path, "synth --out cohort.csv --patients 60 --seed 7").code == 0);
    const Outcome generated =
        engine(folder.path, kEverythingDrawn + " --experiment-name generated --set data.synthetic.seed=7");
    REQUIRE_MESSAGE(generated.code == 0, generated.err);
    const Outcome read =
        engine(folder.path,
               kEverythingDrawn + " --experiment-name read --set data.source=csv --set data.path=cohort.csv");
    REQUIRE_MESSAGE(read.code == 0, read.err);
    check_same_results(folder.path / "runs/generated", folder.path / "runs/read");
}

TEST_CASE("run: the same seed gives the same bits again, with one, two and three threads, another does not") {
    const TemporaryFolder folder;
    const auto run = [&](const std::string& name, const std::string& settings) {
        const Outcome outcome =
            engine(folder.path, kEverythingDrawn + " --experiment-name " + name + settings);
        REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    };
    run("one", " --set run.threads=1");
    run("again", " --set run.threads=1");
    run("two", " --set run.threads=2");
    run("three", " --set run.threads=3");
    for (const char* name : {"again", "two", "three"})
        check_same_results(folder.path / "runs/one", folder.path / "runs" / name);
    run("other", " --set run.seed=43 --set data.synthetic.seed=42 --set data.split_seed=42");
    CHECK(content(folder.path / "runs/one/split.csv") == content(folder.path / "runs/other/split.csv"));
    CHECK(content(folder.path / "runs/one/steps.csv") != content(folder.path / "runs/other/steps.csv"));
}

TEST_CASE("pitfall 1: the metrics of the best epoch, recomputed from its predictions by another program") {
    const TemporaryFolder folder;
    const Outcome outcome = engine(folder.path, kQuickstart + " --set training.epochs=3");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    const Outcome recomputed = shell(folder.path, "python3 '" ABR_SOURCE_DIR
                                                  "/tests/e2e/recompute_metrics.py' runs/quickstart"
                                                  " >stdout.txt 2>stderr.txt");
    CHECK_MESSAGE(recomputed.code == 0, recomputed.out << recomputed.err);

    // A metric is there, or the data report says why not: no empty cell and no invented 0.
    const Json absent = read_json(folder.path / "runs/quickstart/data_report.json").at("absent_metrics");
    for (const auto& row : read_table(folder.path / "runs/quickstart/epochs.csv"))
        for (const auto& [column, cell] : row) {
            CAPTURE(column);
            CHECK(cell.empty() == absent.contains(column));
        }

    // The script sees a prediction that changes.
    const fs::path predictions = folder.path / "runs/quickstart/predictions_val.csv";
    std::string text = content(predictions);
    const auto line = text.find('\n') + 1;
    const auto first = text.find(',', text.find(',', line) + 1);
    const auto second = text.find(',', first + 1);
    const bool normal = text.substr(first + 1, second - first - 1) == "NORMAL";
    text.replace(first + 1, second - first - 1, normal ? "SNHL" : "NORMAL");
    put(predictions, text);
    const Outcome altered = shell(folder.path, "python3 '" ABR_SOURCE_DIR
                                               "/tests/e2e/recompute_metrics.py' runs/quickstart"
                                               " >stdout.txt 2>stderr.txt");
    CHECK(altered.code == 1);
    CHECK(contains(altered.out, "val_f1_macro"));
}

TEST_CASE("run: a folder is never overwritten, and its config.toml repeats the run") {
    const TemporaryFolder folder;
    std::string command = kEverythingDrawn;
    command.erase(command.find(" --quiet"), std::string(" --quiet").size());
    const Outcome first = engine(folder.path, command + " --experiment-name trial --set training.epochs=1");
    REQUIRE_MESSAGE(first.code == 0, first.err);
    const auto before = results_of(folder.path / "runs/trial");

    const Outcome second = engine(folder.path, "run runs/trial/config.toml");
    REQUIRE_MESSAGE(second.code == 0, second.err);
    CHECK(contains(second.out, "trial-2"));
    CHECK(results_of(folder.path / "runs/trial") == before);
    check_same_results(folder.path / "runs/trial", folder.path / "runs/trial-2");
    CHECK(content(folder.path / "runs/trial/config.toml") ==
          content(folder.path / "runs/trial-2/config.toml"));
    CHECK(contains(content(folder.path / "runs/trial/config.toml"), "static_dropout = 0.1"));

    REQUIRE(engine(folder.path, "run runs/trial/config.toml --output-dir elsewhere").code == 0);
    check_same_results(folder.path / "runs/trial", folder.path / "elsewhere/trial");
}

TEST_CASE("run: bad data and bad settings exit with 2 and leave no run folder") {
    const TemporaryFolder folder;
    put(folder.path / "empty.csv", "");
    put(folder.path / "header.csv", "patient_id,intensity_db,class,sample_interval_ms,s0,s1\n");
    for (const std::string settings :
         {" --set data.source=csv --set data.path=missing.csv", " --set data.source=csv --set data.path=.",
          " --set data.source=csv --set data.path=empty.csv",
          " --set data.source=csv --set data.path=header.csv", " --set training.epochs=0",
          " --set optimizer.learning_rate=nan", " --set data.split_file=missing.csv"}) {
        CAPTURE(settings);
        const Outcome outcome = engine(folder.path, kQuickstart + settings);
        CHECK(outcome.code == 2);
        CHECK_FALSE(outcome.err.empty());
        CHECK_FALSE(fs::exists(folder.path / "runs"));
    }
}

TEST_CASE("run: without a terminal the output is plain lines, and quiet prints nothing at all") {
    const TemporaryFolder folder;
    std::string command = kQuickstart + " --set training.epochs=1";
    const Outcome quiet = engine(folder.path, command);
    CHECK(quiet.code == 0);
    CHECK(quiet.out.empty());
    CHECK(quiet.err.empty());
    command.erase(command.find(" --quiet"), std::string(" --quiet").size());
    const Outcome normal = engine(folder.path, command + " --verbose");
    CHECK(normal.code == 0);
    CHECK(contains(normal.out, "majority"));
    for (const std::string& text : {normal.out, normal.err})
        CHECK(std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\033'; }));
}
