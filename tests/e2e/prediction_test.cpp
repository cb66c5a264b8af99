// predict and evaluate: what a checkpoint alone reproduces, and what they refuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>

#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

namespace {

namespace fs = std::filesystem;

// A cohort as CSV and a run that was trained on it; the second without clean signals, with an average of the weights.
struct TrainedRun {
    TemporaryFolder folder;
    std::string checkpoint = "runs/x/checkpoints/best_f1.safetensors";

    explicit TrainedRun(const std::string& settings = "", bool with_clean = true) {
        REQUIRE(engine(folder.path, "synth --out cohort.csv --patients 60 --seed 7").code == 0);
        if (!with_clean) without_columns("c");
        const Outcome outcome =
            engine(folder.path, "run " + shipped("quickstart.toml") + kTiny +
                                    " --experiment-name x --set data.source=csv --set data.path=cohort.csv" +
                                    " --set training.epochs=3 --set training.batch_size=48" + settings);
        REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    }

    // Takes the columns whose names are `prefix` and a number, or `prefix` alone, out of cohort.csv.
    void without_columns(const std::string& prefix, const std::string& to = "cohort.csv") const {
        std::istringstream lines(content(folder.path / "cohort.csv"));
        std::string line, text;
        std::vector<bool> kept;
        while (std::getline(lines, line)) {
            const auto cells = cells_of(line);
            if (kept.empty()) {
                for (const std::string& name : cells) {
                    const bool sample = name.starts_with(prefix) && name.size() > prefix.size() &&
                                        std::isdigit(static_cast<unsigned char>(name[prefix.size()]));
                    kept.push_back(name != prefix && !sample);
                }
            }
            std::string row;
            for (std::size_t i = 0; i < cells.size(); ++i)
                if (kept[i]) row += (row.empty() ? "" : ",") + cells[i];
            text += row + "\n";
        }
        put(folder.path / to, text);
    }

    Outcome run(const std::string& command, const std::string& arguments) const {
        return engine(folder.path, command + " --checkpoint " + checkpoint + " " + arguments);
    }
};

const std::string kValidation = " --split-file runs/x/split.csv --part val";

void check_reproduced(const TrainedRun& trained) {
    const fs::path run = trained.folder.path / "runs/x";
    const Outcome predicted = trained.run("predict", "--data cohort.csv --out p.csv" + kValidation);
    REQUIRE_MESSAGE(predicted.code == 0, predicted.err);
    CHECK(content(trained.folder.path / "p.csv") == content(run / "predictions_val.csv"));
    const Outcome test =
        trained.run("predict", "--data cohort.csv --out t.csv --split-file runs/x/split.csv --part test");
    REQUIRE_MESSAGE(test.code == 0, test.err);
    CHECK(content(trained.folder.path / "t.csv") == content(run / "predictions_test.csv"));

    const Outcome evaluated = trained.run("evaluate", "--data cohort.csv --out m.csv" + kValidation);
    REQUIRE_MESSAGE(evaluated.code == 0, evaluated.err);
    const CsvTable epochs = read_table(run / "epochs.csv");
    const auto best = read_json(run / "summary.json").at("best_epoch").get<std::size_t>();
    std::size_t compared = 0;
    for (const auto& row : read_table(trained.folder.path / "m.csv")) {
        CAPTURE(row.at("metric"));
        CHECK(row.at("value") == epochs.at(best).at("val_" + row.at("metric")));
        CHECK(row.at("value").empty() != row.at("absent_because").empty());
        const bool loss = row.at("metric").starts_with("loss_");
        CHECK((row.at("low_95").empty()) == (loss || row.at("value").empty()));
        if (!row.at("low_95").empty()) CHECK(number(row, "low_95") <= number(row, "high_95"));
        ++compared;
    }
    std::size_t columns = 0;
    for (const auto& [name, cell] : epochs.at(best)) columns += name.starts_with("val_") ? 1 : 0;
    CHECK(compared == columns);
}

}  // namespace

TEST_CASE("predict and evaluate reproduce the run's validation from the checkpoint alone") {
    check_reproduced(
        TrainedRun(" --set training.ema_decay=0.9 --set loss.focal_gamma=2"
                   " --set loss.class_weights=balanced --set loss.threshold.type=l1"
                   " --set curriculum.peak_start=1"));
}

TEST_CASE(
    "predict and evaluate reproduce the validation without clean signals and with a dropped component") {
    const TrainedRun trained(
        " --set loss.weights.threshold=0 --set degradation.noise_sd=0.5 --set run.seed=11"
        " --set data.synthetic.seed=7 --set run.threads=1",
        false);
    check_reproduced(trained);

    // Without any label the same predictions come out.
    trained.without_columns("class");
    const Outcome unlabelled =
        trained.run("predict", "--data cohort.csv --out u.csv --restored r.csv" + kValidation);
    REQUIRE_MESSAGE(unlabelled.code == 0, unlabelled.err);
    const CsvTable labelled = read_table(trained.folder.path / "p.csv"),
                   other = read_table(trained.folder.path / "u.csv");
    const CsvTable restored = read_table(trained.folder.path / "r.csv");
    REQUIRE(other.size() == labelled.size());
    REQUIRE(restored.size() == labelled.size());
    for (std::size_t r = 0; r < other.size(); ++r) {
        CHECK(other[r].at("class_true").empty());
        for (const char* column :
             {"recording", "class_predicted", "p_NORMAL", "p_wave_v", "latency_predicted_ms"})
            CHECK(other[r].at(column) == labelled[r].at(column));
        CHECK(restored[r].at("recording") == other[r].at("recording"));
        CHECK(std::isfinite(number(restored[r], "s199")));
        CHECK(restored[r].size() == 202);
    }
}

TEST_CASE("metrics by level and of ears, recomputed from predictions and recordings by another program") {
    const TrainedRun trained;
    const fs::path& folder = trained.folder.path;
    const Outcome recomputed =
        shell(folder, "python3 '" ABR_SOURCE_DIR
                      "/tests/e2e/recompute_metrics.py' runs/x cohort.csv >stdout.txt 2>stderr.txt");
    CHECK_MESSAGE(recomputed.code == 0, recomputed.out << recomputed.err);

    // evaluate writes the same table, of its recordings alone.
    const Outcome evaluated =
        trained.run("evaluate", "--data cohort.csv --out m.csv --by-level l.csv" + kValidation);
    REQUIRE_MESSAGE(evaluated.code == 0, evaluated.err);
    const std::string written = content(folder / "runs/x/by_level.csv"), again = content(folder / "l.csv");
    CHECK(again.size() > 1000);
    CHECK(written.starts_with(again));
    CHECK(written.substr(again.size()).starts_with("test,,,"));
}

TEST_CASE("ears: a class for each ear is no contradiction, the patient stays whole, without ears no column") {
    const TrainedRun trained;
    const fs::path& folder = trained.folder.path;
    const auto has_ear_column = [&](const std::string& run) {
        return read_table(folder / "runs" / run / "epochs.csv").front().contains("val_ear_f1_macro");
    };
    CHECK(has_ear_column("x"));

    // The right ears of those who hear normally become another class.
    std::istringstream lines(content(folder / "cohort.csv"));
    std::string line, text;
    std::getline(lines, line);
    const auto names = cells_of(line);
    const auto place = [&](const char* name) { return std::ranges::find(names, name) - names.begin(); };
    const auto ear = static_cast<std::size_t>(place("ear")), label = static_cast<std::size_t>(place("class"));
    text = line + "\n";
    std::size_t changed = 0;
    while (std::getline(lines, line)) {
        auto cells = cells_of(line);
        if (cells[ear] == "right" && cells[label] == "NORMAL") {
            cells[label] = "SNHL";
            ++changed;
        }
        for (std::size_t i = 0; i < cells.size(); ++i) text += (i == 0 ? "" : ",") + cells[i];
        text += "\n";
    }
    REQUIRE(changed > 0);
    put(folder / "ears.csv", text);
    trained.without_columns("ear", "no_ears.csv");
    for (const std::string name : {"ears", "no_ears"}) {
        const Outcome outcome =
            engine(folder, "run " + shipped("quickstart.toml") + kTiny + " --experiment-name " + name +
                               " --set data.source=csv --set data.path=" + name + ".csv");
        REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
        CHECK(outcome.err.empty());
    }
    CHECK_FALSE(has_ear_column("no_ears"));
    CHECK_FALSE(contains(content(folder / "runs/no_ears/by_level.csv"), "ear_f1_macro"));
    CHECK(has_ear_column("ears"));
    const CsvTable split = read_table(folder / "runs/ears/split.csv");
    std::set<std::string> patients;
    for (const auto& row : split) patients.insert(row.at("patient_id"));
    CHECK(patients.size() == split.size());
    CHECK(read_json(folder / "runs/ears/data_report.json").at("suspicious").empty());
    const Outcome recomputed =
        shell(folder, "python3 '" ABR_SOURCE_DIR
                      "/tests/e2e/recompute_metrics.py' runs/ears ears.csv >stdout.txt 2>stderr.txt");
    CHECK_MESSAGE(recomputed.code == 0, recomputed.out << recomputed.err);
}

TEST_CASE("evaluate: another seed draws other patients, any number of threads the same") {
    const TrainedRun trained;
    const auto metrics = [&](const std::string& arguments) {
        const Outcome outcome =
            trained.run("evaluate", "--data cohort.csv --out m.csv --force" + kValidation + arguments);
        REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
        return content(trained.folder.path / "m.csv");
    };
    const std::string one = metrics(" --set run.threads=1");
    CHECK(one == metrics(" --set run.threads=3"));
    const std::string other = metrics(" --set run.seed=5");
    CHECK(one != other);
    CHECK(one.substr(0, one.find(',', one.find("f1_macro") + 9)) ==
          other.substr(0, other.find(',', other.find("f1_macro") + 9)));
}

TEST_CASE("predict: recordings of another length or interval are refused, and resampled where asked for") {
    const TrainedRun trained;
    const fs::path& folder = trained.folder.path;
    REQUIRE(engine(folder, "synth --out fine.csv --patients 60 --seed 7 --preset A").code == 0);
    const Outcome refused = trained.run("predict", "--data fine.csv --out p.csv");
    CHECK(refused.code == 2);
    CHECK(refused.err == "abr_engine: fine.csv: 200 samples of 0.05 ms each; the network of " +
                             trained.checkpoint +
                             " takes 200 of 0.1 ms; choose the columns that it takes, or have the recordings "
                             "resampled and cut with --resample\n");
    CHECK_FALSE(fs::exists(folder / "p.csv"));
    const Outcome too_short = trained.run("predict", "--data fine.csv --out p.csv --resample");
    CHECK(too_short.code == 2);
    CHECK(contains(too_short.err, "the recordings end at 10 ms, 20 ms are wanted"));

    // Recordings that are twice as fine and as long as the network's: every sample stands twice.
    std::istringstream lines(content(folder / "cohort.csv"));
    std::string header, line;
    std::getline(lines, header);
    std::string text = "patient_id,age_years,intensity_db,rate_hz,fmp,sample_interval_ms";
    for (int k = 0; k < 400; ++k) text += ",s" + std::to_string(k);
    const auto names = cells_of(header);
    for (int row = 0; row < 20 && std::getline(lines, line); ++row) {
        const auto cells = cells_of(line);
        text += "\n" + cells[0] + "," + cells[2] + "," + cells[3] + "," + cells[4] + "," + cells[5] + ",0.05";
        for (std::size_t i = 0; i < names.size(); ++i)
            if (names[i][0] == 's' && std::isdigit(static_cast<unsigned char>(names[i][1])))
                text += "," + cells[i] + "," + cells[i];
    }
    put(folder / "double.csv", text + "\n");
    const Outcome resampled = trained.run("predict", "--data double.csv --out d.csv --resample");
    REQUIRE_MESSAGE(resampled.code == 0, resampled.err);
    CHECK(read_table(folder / "d.csv").size() == 20);
}

TEST_CASE(
    "predict and evaluate refuse what is no checkpoint and data that do not fit it, and write nothing") {
    const TrainedRun trained;
    const fs::path& folder = trained.folder.path;
    const std::string bytes = content(folder / trained.checkpoint);
    put(folder / "half.safetensors", bytes.substr(0, bytes.size() / 2));
    put(folder / "text.safetensors", "this is no checkpoint but a text that is long enough");
    put(folder / "layout.toml", "[data]\nclasses = [\"A\", \"B\"]\n");
    put(folder / "unlabelled.csv", "patient_id,intensity_db,s0\n");
    trained.without_columns("class", "no_class.csv");
    struct Refusal {
        std::string arguments, message;
    };
    const std::string checkpoint = "--checkpoint " + trained.checkpoint;
    for (const Refusal& refusal : {
             Refusal{"--checkpoint half.safetensors --data cohort.csv",
                     "half.safetensors: the header describes"},
             Refusal{"--checkpoint text.safetensors --data cohort.csv",
                     "text.safetensors: not a safetensors file, or truncated"},
             Refusal{"--checkpoint none.safetensors --data cohort.csv",
                     "none.safetensors: expected a safetensors file"},
             Refusal{checkpoint + " --data none.csv", "none.csv: cannot be opened"},
             Refusal{checkpoint + " --data cohort.csv --config layout.toml",
                     "layout.toml: data.classes = [\"A\", \"B\"], the network of " + trained.checkpoint +
                         " was trained on [\"NORMAL\""},
             Refusal{checkpoint + " --data cohort.csv --part val",
                     "--split-file FILE and --part NAME go together"},
             Refusal{checkpoint + " --data cohort.csv --split-file cohort.csv --part val", "column `split`"},
             Refusal{checkpoint + " --data cohort.csv --set data.columns.fmp=Quality",
                     "column `Quality`: missing"},
         }) {
        for (const std::string command : {"predict ", "evaluate "}) {
            CAPTURE(command);
            CAPTURE(refusal.arguments);
            const Outcome outcome = engine(folder, command + refusal.arguments + " --out out.csv");
            CHECK(outcome.code == 2);
            CHECK_MESSAGE(contains(outcome.err, refusal.message), outcome.err);
        }
    }
    CHECK_FALSE(fs::exists(folder / "out.csv"));
    CHECK(trained.run("predict", "--data cohort.csv").code == 2);
    CHECK(trained.run("predict", "--data cohort.csv --out .").code == 2);

    // Nothing to measure against.
    std::istringstream lines(content(folder / "cohort.csv"));
    std::string line, text = "patient_id,intensity_db,sample_interval_ms";
    for (int k = 0; k < 200; ++k) text += ",s" + std::to_string(k);
    std::getline(lines, line);
    const auto names = cells_of(line);
    std::getline(lines, line);
    const auto cells = cells_of(line);
    text += "\np,80,0.1";
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i][0] == 's' && std::isdigit(static_cast<unsigned char>(names[i][1])))
            text += "," + cells[i];
    put(folder / "bare.csv", text + "\n");
    CHECK(trained.run("predict", "--data bare.csv --out bare_out.csv").code == 0);
    const Outcome nothing = trained.run("evaluate", "--data bare.csv --out m.csv");
    CHECK(nothing.code == 2);
    CHECK(contains(nothing.err, "bare.csv: no recording has a label that this network predicts"));
}
