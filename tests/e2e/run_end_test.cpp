// How runs end that do not simply finish, and runs on data that lacks something.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "engine/formats/safetensors.hpp"
#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

namespace {

namespace fs = std::filesystem;

const std::string kQuickstart = "run " + shipped("quickstart.toml") + kTiny;

// Two classes that the stimulus level tells apart; the signal says nothing. In validation the levels are
// swapped, so that what is learnt is wrong there. No wave V, no threshold, no clean signal.
void write_swapped_levels(const fs::path& folder) {
    std::string rows = "patient_id,intensity_db,class,sample_interval_ms";
    for (int k = 0; k < 16; ++k) rows += ",s" + std::to_string(k);
    rows += "\n";
    std::string split = "patient_id,split\n";
    const auto add = [&](const std::string& part, int patients) {
        for (int p = 0; p < 2 * patients; ++p) {
            const std::string patient = part + std::to_string(p);
            split += patient + "," + part + "\n";
            const bool first = p % 2 == 0, low = first != (part == "val");
            for (int r = 0; r < 8; ++r) {
                rows += patient + (low ? ",10," : ",90,") + (first ? "A" : "B") + ",0.5";
                for (int k = 0; k < 16; ++k) rows += "," + std::to_string(std::sin(0.7 * r + 0.4 * k));
                rows += "\n";
            }
        }
    };
    add("train", 20);
    add("val", 3);
    add("test", 3);
    put(folder / "swapped.csv", rows);
    put(folder / "assignment.csv", split);
}

const std::string kSwapped =
    kQuickstart +
    " --set data.source=csv --set data.path=swapped.csv --set data.split_file=assignment.csv"
    " --set 'data.classes=[\"A\", \"B\"]' --set loss.weights.peak_exist=0 --experiment-name x";

}  // namespace

TEST_CASE("pitfall 2: a first epoch with macro F1 0 is saved as the best one") {
    const TemporaryFolder folder;
    write_swapped_levels(folder.path);
    const Outcome outcome = engine(folder.path, kSwapped + " --set training.batch_size=8");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    const fs::path run = folder.path / "runs/x";
    const CsvTable epochs = read_table(run / "epochs.csv");
    for (const auto& row : epochs) REQUIRE(number(row, "val_f1_macro") == 0);
    const Json summary = read_json(run / "summary.json");
    CHECK(summary.at("best_epoch") == 0);
    CHECK(summary.at("val").at("f1_macro") == 0);
    CHECK(summary.at("test").at("f1_macro") == 1);  // what was learnt is right where levels are not swapped
    CHECK(SafetensorsFile::open(run / "checkpoints/best_f1.safetensors").metadata_value("epoch") ==
          "1");  // epochs done
    CHECK(fs::exists(run / "checkpoints/best_loss.safetensors"));
    CHECK(read_table(run / "predictions_val.csv").size() == 48);
}

TEST_CASE("pitfall 2: early stopping counts from the best epoch, the first one included") {
    const TemporaryFolder folder;
    write_swapped_levels(folder.path);
    // F1 is 0 in every epoch: the first is the best, and two more without a better one end the run.
    const Outcome outcome = engine(folder.path, kSwapped +
                                                    " --set training.batch_size=8 --set training.epochs=9"
                                                    " --set training.early_stopping.patience=2");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    const Json summary = read_json(folder.path / "runs/x/summary.json");
    CHECK(summary.at("stop_reason") == "early_stopping");
    CHECK(summary.at("epochs_done") == 3);
    CHECK(read_table(folder.path / "runs/x/epochs.csv").size() == 3);
}

TEST_CASE("run: early stopping counts no improvement that is smaller than min_delta") {
    const TemporaryFolder folder;
    const Outcome outcome = engine(folder.path, kQuickstart +
                                                    " --set training.epochs=6 --experiment-name x"
                                                    " --set training.early_stopping.metric=loss"
                                                    " --set training.early_stopping.patience=1"
                                                    " --set training.early_stopping.min_delta=1000");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    const CsvTable epochs = read_table(folder.path / "runs/x/epochs.csv");
    REQUIRE(epochs.size() == 2);
    CHECK(number(epochs[1], "val_loss_total") < number(epochs[0], "val_loss_total"));
    CHECK(read_json(folder.path / "runs/x/summary.json").at("stop_reason") == "early_stopping");
}

TEST_CASE("pitfall 7: a head without labels is neither built, nor trained, nor evaluated, and that is said") {
    const TemporaryFolder folder;
    write_swapped_levels(folder.path);
    const Outcome outcome = engine(folder.path, kSwapped + " --set training.epochs=1");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    const fs::path run = folder.path / "runs/x";
    const Json report = read_json(run / "data_report.json");
    const auto epoch = read_table(run / "epochs.csv").at(0);
    for (const std::string component : {"peak_exist", "peak_latency", "peak_amplitude", "threshold"}) {
        CAPTURE(component);
        CHECK(contains(outcome.err, component));
        CHECK(report.at("components").at(component) != "on");
        CHECK(number(epoch, "weight_" + component) == 0);
        CHECK(epoch.at("train_loss_" + component).empty());
        CHECK(epoch.at("val_loss_" + component).empty());
        for (const auto& row : read_table(run / "steps.csv")) CHECK(row.at("loss_" + component).empty());
        const auto file = SafetensorsFile::open(run / "checkpoints/best_f1.safetensors");
        for (const auto& [name, entry] : file.entries()) CHECK_FALSE(contains(name, component));

        const Outcome written = engine(folder.path, kSwapped + " --set loss.weights." + component + "=0.5");
        CHECK(written.code == 2);
        CHECK(contains(written.err, "loss.weights." + component));
    }
    for (const auto& [column, cell] : epoch) {
        CAPTURE(column);
        CHECK(cell.empty() == report.at("absent_metrics").contains(column));
    }
}

TEST_CASE("pitfall 20: a file without a sample interval is refused, and the checkpoint stores a given one") {
    const TemporaryFolder folder;
    write_swapped_levels(folder.path);
    std::string text = content(folder.path / "swapped.csv");
    const std::string column = ",sample_interval_ms";
    text.replace(text.find(column), column.size(), ",something_else");
    put(folder.path / "swapped.csv", text);
    const Outcome without = engine(folder.path, kSwapped);
    CHECK(without.code == 2);
    CHECK(contains(without.err, "sample_interval_ms"));

    REQUIRE(
        engine(folder.path, kSwapped + " --set training.epochs=1 --set data.sample_interval_ms=0.25").code ==
        0);
    const auto file = SafetensorsFile::open(folder.path / "runs/x/checkpoints/last.safetensors");
    CHECK(Json::parse(file.metadata_value("data")).at("sample_interval_ms") == 0.25);
    CHECK(read_json(folder.path / "runs/x/data_report.json").at("sample_interval_ms") == 0.25);
}

TEST_CASE("run: a loss that is not finite ends it with 1, naming component, step and recordings") {
    const TemporaryFolder folder;
    REQUIRE(engine(folder.path, "synth --out cohort.csv --patients 60").code == 0);
    // Above the largest float once it is divided by the recording's standard deviation.
    std::string text = content(folder.path / "cohort.csv");
    const auto header = cells_of(text.substr(0, text.find('\n')));
    const auto column = std::find(header.begin(), header.end(), "c100") - header.begin();
    constexpr int kRecording = 100;
    std::size_t cell = 0;
    for (int line = 0; line < kRecording; ++line) cell = text.find('\n', cell) + 1;
    for (std::ptrdiff_t i = 0; i < column; ++i) cell = text.find(',', cell) + 1;
    text.replace(cell, text.find(',', cell) - cell, "3e38");
    put(folder.path / "cohort.csv", text);

    const Outcome outcome = engine(folder.path, kQuickstart +
                                                    " --set data.source=csv --set data.path=cohort.csv"
                                                    " --set logging.steps_every=1000 --experiment-name x");
    CHECK(outcome.code == 1);
    const fs::path run = folder.path / "runs/x";
    const Json summary = read_json(run / "summary.json");
    CHECK(summary.at("stop_reason") == "failed");
    CHECK(summary.at("epochs_done") == 0);
    CHECK(summary.at("best_epoch").is_null());
    // Step 0 as every thousandth, and the bad step all the same.
    const CsvTable steps = read_table(run / "steps.csv");
    REQUIRE(steps.size() == 2);
    CHECK(std::isfinite(number(steps.front(), "loss_total")));
    CHECK_FALSE(std::isfinite(number(steps.back(), "loss_signal")));
    CHECK_FALSE(std::isfinite(number(steps.back(), "loss_total")));
    CHECK(std::isfinite(number(steps.back(), "loss_classification")));
    CHECK(contains(outcome.err, "loss `signal` is not finite at epoch 0, step " + steps.back().at("step")));
    CHECK(contains(outcome.err, " " + std::to_string(kRecording) + ","));
    CHECK(fs::exists(run / "split.csv"));
    CHECK_FALSE(fs::exists(run / "checkpoints/last.safetensors"));
}

TEST_CASE("run: one that fails in a later epoch keeps the tables and the summary of the epochs before") {
    const TemporaryFolder folder;
    // A decay of 4 times the weight in each step makes the heads grow threefold until a float overflows.
    const Outcome outcome =
        engine(folder.path, kQuickstart +
                                " --set optimizer.learning_rate=0.004 --set optimizer.weight_decay=1"
                                " --set optimizer.heads_lr=1000 --set schedule.type=constant"
                                " --set schedule.warmup_epochs=0 --set training.epochs=8"
                                " --set training.ema_decay=0 --experiment-name x");
    CHECK(outcome.code == 1);
    const fs::path run = folder.path / "runs/x";
    const CsvTable epochs = read_table(run / "epochs.csv");
    REQUIRE_FALSE(epochs.empty());
    const Json summary = read_json(run / "summary.json");
    CHECK(summary.at("stop_reason") == "failed");
    CHECK(summary.at("epochs_done") == epochs.size());
    CHECK(summary.at("best_epoch").is_number());
    CHECK(summary.at("wall_seconds") > 0);
    CHECK(contains(outcome.err, "epoch " + std::to_string(epochs.size())));
    const CsvTable steps = read_table(run / "steps.csv");
    CHECK(number(steps.back(), "epoch") == static_cast<double>(epochs.size()));
    CHECK(fs::exists(run / "checkpoints/last.safetensors"));
}

TEST_CASE("run: an interrupt ends it with 3 after the step under way, with a checkpoint and a summary") {
    const TemporaryFolder folder;
    const Outcome outcome =
        shell(folder.path,
              "{ '" ABR_ENGINE_PATH "' " + kQuickstart +
                  " --set training.epochs=500 --experiment-name x >stdout.txt 2>stderr.txt & pid=$!;"
                  " while kill -0 $pid && [ ! -e runs/x/checkpoints/last.safetensors ]; do sleep 0.05; done;"
                  " kill -INT $pid; wait $pid; }");
    CHECK(outcome.code == 3);
    const fs::path run = folder.path / "runs/x";
    const Json summary = read_json(run / "summary.json");
    CHECK(summary.at("stop_reason") == "interrupted");
    CHECK(summary.at("epochs_done") == read_table(run / "epochs.csv").size());
    const auto steps = read_table(run / "steps.csv");
    const auto last = SafetensorsFile::open(run / "checkpoints/last.safetensors");
    CHECK(last.metadata_value("step") == std::to_string(steps.size()));
}

TEST_CASE("run: every shape of network that a configuration allows trains and is measured to the end") {
    const TemporaryFolder folder;
    write_swapped_levels(folder.path);
    for (const std::string settings :
         {" --set model.levels=1", " --set model.attention_layers=0 --set model.heads=3",
          " --set model.levels=4 --set model.blocks_per_level=2 --set 'model.stem_kernels=[1]'"
          " --set 'model.stem_dilations=[3]'"}) {
        CAPTURE(settings);
        const Outcome outcome = engine(folder.path, kSwapped + settings + " --set training.epochs=1");
        CHECK_MESSAGE(outcome.code == 0, outcome.err);
    }
}
