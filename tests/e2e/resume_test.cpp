// Runs that are interrupted and gone on with.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "engine/formats/safetensors.hpp"
#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

namespace {

namespace fs = std::filesystem;

const std::string kRun = "run " + shipped("quickstart.toml") + kTiny;
const std::string kConstant = " --set schedule.type=constant";

Outcome run(const TemporaryFolder& folder, const std::string& name, const std::string& settings = "") {
    return engine(folder.path, kRun + " --experiment-name " + name + settings);
}

void run_to_end(const TemporaryFolder& folder, const std::string& name, const std::string& settings = "") {
    const Outcome outcome = run(folder, name, settings);
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
}

// Starts a run in the background, does `then` (shell, with $pid) once `file` of the run exists, and waits.
Outcome run_until(const TemporaryFolder& folder, const std::string& name, const std::string& settings,
                  const std::string& file, const std::string& then) {
    return shell(folder.path, "{ '" ABR_ENGINE_PATH "' " + kRun + " --experiment-name " + name + settings +
                                  " >stdout.txt 2>stderr.txt & pid=$!; while kill -0 $pid && [ ! -s runs/" +
                                  name + "/" + file + " ]; do sleep 0.02; done; " + then + "; wait $pid; }");
}

// One of the experiments of interruptions.py; its exit code.
int interruptions(const std::string& experiment) {
    const TemporaryFolder folder;
    const Outcome outcome =
        shell(folder.path, "python3 '" ABR_SOURCE_DIR "/tests/e2e/interruptions.py' " + experiment +
                               " --engine '" ABR_ENGINE_PATH "' --faults '" ABR_FILE_FAULTS_PATH
                               "' >stdout.txt 2>stderr.txt");
    MESSAGE(outcome.out);
    CHECK_MESSAGE((outcome.code == 0 || outcome.code == 77), outcome.err);
    return outcome.code;
}

}  // namespace

TEST_CASE(
    "resume: runs that were killed and terminated at random end with the bits of an uninterrupted one") {
    CHECK(interruptions("kills --count 4") == 0);
}

TEST_CASE("resume: a run whose disk became full says so, loses nothing saved and ends with the same bits") {
    interruptions("disk --count 2");
}

TEST_CASE(
    "resume: a run of which one file call fails says so, loses nothing saved and ends with the same bits") {
    CHECK(interruptions("calls --count 3") == 0);
}

TEST_CASE(
    "resume: SIGINT in an epoch ends with 3 and the command that goes on, with other threads, to the same "
    "bits") {
    const TemporaryFolder folder;
    run_to_end(folder, "whole", " --set run.threads=1");
    // Saved at every step, so that the interrupt comes in the first epoch.
    const Outcome interrupted =
        run_until(folder, "'a run'", " --set run.threads=2 --set training.checkpoint_minutes=1e-9",
                  "checkpoints/last.safetensors", "kill -INT $pid");
    CHECK(interrupted.code == 3);
    CHECK(read_json(folder.path / "runs/a run/summary.json").at("stop_reason") == "interrupted");
    const auto last = SafetensorsFile::open(folder.path / "runs/a run/checkpoints/last.safetensors");
    CHECK(last.metadata_value("step") ==
          std::to_string(read_table(folder.path / "runs/a run/steps.csv").size()));
    const std::string said = "go on with: ";
    const auto begin = interrupted.err.find(said);
    REQUIRE_MESSAGE(begin != std::string::npos, interrupted.err);
    const std::string command = interrupted.err.substr(begin + said.size());
    const Outcome gone_on = shell(
        folder.path, command.substr(0, command.find('\n')) + " --set run.threads=3 >stdout.txt 2>stderr.txt");
    REQUIRE_MESSAGE(gone_on.code == 0, gone_on.err);
    CHECK(contains(gone_on.out, "going on with"));
    check_same_results(folder.path / "runs/whole", folder.path / "runs/a run");
}

TEST_CASE("resume: a second Ctrl-C ends the run at once with 130") {
    const TemporaryFolder folder;
    // The generator of the cohort takes long enough for both to come before the first step.
    const Outcome outcome = shell(
        folder.path, "{ '" ABR_ENGINE_PATH "' run " + shipped("quickstart.toml") +
                         " --set data.synthetic.patients=100000 >stdout.txt 2>stderr.txt & pid=$!; sleep 0.5;"
                         " kill -INT $pid; sleep 0.2; kill -INT $pid; wait $pid; }");
    CHECK(outcome.code == 130);
}

TEST_CASE("resume: it begins where there is nothing, also in place, and leaves a finished run alone") {
    const TemporaryFolder folder;
    run_to_end(folder, "whole");
    run_to_end(folder, "begun", " --resume");
    check_same_results(folder.path / "runs/whole", folder.path / "runs/begun");

    fs::remove(folder.path / "runs/begun/checkpoints/last.safetensors");
    put(folder.path / "runs/begun/steps.csv", "not a table");
    run_to_end(folder, "begun", " --resume");
    check_same_results(folder.path / "runs/whole", folder.path / "runs/begun");
    CHECK_FALSE(fs::exists(folder.path / "runs/begun-2"));

    const auto time = fs::last_write_time(folder.path / "runs/begun/summary.json");
    run_to_end(folder, "begun", " --resume --set run.threads=2");
    CHECK(fs::last_write_time(folder.path / "runs/begun/summary.json") == time);
}

TEST_CASE("resume: a run that was killed before its end was measured, or between checkpoints, is completed") {
    const TemporaryFolder folder;
    run_to_end(folder, "whole");
    const fs::path run = folder.path / "runs/killed";
    const auto copy = [&] {
        fs::remove_all(run);
        fs::copy(folder.path / "runs/whole", run, fs::copy_options::recursive);
    };
    copy();
    for (const char* file : {"summary.json", "predictions_test.csv", "predictions_val.csv"})
        fs::remove(run / file);
    run_to_end(folder, "killed", " --resume");
    check_same_results(folder.path / "runs/whole", run);

    // The last epoch is the best by loss; its file is still that of the epoch before.
    copy();
    const auto losses = read_table(run / "epochs.csv");
    REQUIRE(number(losses.at(1), "val_loss_total") < number(losses.at(0), "val_loss_total"));
    fs::remove(run / "summary.json");
    put(run / "checkpoints/best_loss.safetensors", "as it was before");
    put(run / "checkpoints/best_loss.safetensors.tmp", "half of the");
    run_to_end(folder, "killed", " --resume");
    check_same_results(folder.path / "runs/whole", run);
}

TEST_CASE(
    "resume: another configuration is refused with every key and both values, threads and name are free") {
    const TemporaryFolder folder;
    run_to_end(folder, "x");
    const auto before = results_of(folder.path / "runs/x");
    const Outcome other = run(folder, "x",
                              " --resume --set training.batch_size=32 --set training.epochs=1"
                              " --set run.threads=2 --set optimizer.learning_rate=1e-5");
    CHECK(other.code == 2);
    for (const char* part : {"training.batch_size was 64, is 32 now", "training.epochs was 2, is 1 now",
                             "optimizer.learning_rate was 0.003, is 1e-5 now"})
        CHECK_MESSAGE(contains(other.err, part), other.err);
    for (const char* free : {"run.threads was", "run.name was"}) CHECK_FALSE(contains(other.err, free));
    CHECK(results_of(folder.path / "runs/x") == before);
}

TEST_CASE(
    "resume: more epochs give the bits of a run that was begun with them, unless the schedule looks ahead") {
    const TemporaryFolder folder;
    const std::string stopping = kConstant + " --set training.early_stopping.patience=20";
    run_to_end(folder, "whole", stopping + " --set training.epochs=3");
    run_to_end(folder, "longer", stopping);
    const Outcome more = run(folder, "longer", stopping + " --resume --set training.epochs=3");
    REQUIRE_MESSAGE(more.code == 0, more.err);
    CHECK(more.err.empty());
    check_same_results(folder.path / "runs/whole", folder.path / "runs/longer");

    run_to_end(folder, "cosine");
    const Outcome cosine = run(folder, "cosine", " --resume --set training.epochs=3");
    CHECK(cosine.code == 0);
    CHECK(contains(cosine.err, "the cosine schedule"));
}

TEST_CASE("resume: a run that stopped early stays stopped, also with more epochs") {
    const TemporaryFolder folder;
    const std::string stopping = kConstant +
                                 " --set optimizer.learning_rate=1e-9 --set training.epochs=4"
                                 " --set training.early_stopping.patience=1"
                                 " --set training.early_stopping.min_delta=0.5";
    run_to_end(folder, "x", stopping);
    const auto before = results_of(folder.path / "runs/x");
    REQUIRE(read_json(folder.path / "runs/x/summary.json").at("epochs_done") == 2);
    run_to_end(folder, "x", stopping + " --resume --set training.epochs=6");
    CHECK(results_of(folder.path / "runs/x") == before);
    // Killed before it could say so, it does not train on.
    fs::remove(folder.path / "runs/x/summary.json");
    run_to_end(folder, "x", stopping + " --resume");
    CHECK(results_of(folder.path / "runs/x") == before);
}

TEST_CASE("resume: other data than those of the checkpoint are refused") {
    const TemporaryFolder folder;
    REQUIRE(engine(folder.path, "synth --out cohort.csv --patients 60 --seed 7").code == 0);
    const std::string csv = " --set data.source=csv --set data.path=cohort.csv";
    run_to_end(folder, "x", csv);
    REQUIRE(engine(folder.path, "synth --out cohort.csv --force --patients 60 --seed 8").code == 0);
    const Outcome other = run(folder, "x", csv + " --resume --set training.epochs=3");
    CHECK(other.code == 2);
    CHECK(contains(other.err, "the data are not those that the run was begun with"));
}

TEST_CASE("resume: one changed sample or label of a validation row is noticed") {
    const TemporaryFolder folder;
    REQUIRE(engine(folder.path, "synth --out cohort.csv --patients 60 --seed 7").code == 0);
    const std::string csv = " --set data.source=csv --set data.path=cohort.csv";
    run_to_end(folder, "x", csv);
    const std::string whole = content(folder.path / "cohort.csv");
    std::string patient;
    for (const auto& row : read_table(folder.path / "runs/x/split.csv"))
        if (row.at("split") == "val") patient = row.at("patient_id");
    const std::size_t line = whole.find("\n" + patient + ",") + 1;
    const std::size_t last_cell = whole.find('\n', line) - 1;  // the last digit of its last sample
    std::string changed = whole;
    changed[last_cell] = changed[last_cell] == '1' ? '2' : '1';
    put(folder.path / "cohort.csv", changed);
    const Outcome other = run(folder, "x", csv + " --resume --set training.epochs=3");
    CHECK(other.code == 2);
    CHECK(contains(other.err, "recordings or labels of the split 'val' are others"));
    put(folder.path / "cohort.csv", whole);
    CHECK(run(folder, "x", csv + " --resume --set training.epochs=3").code == 0);
}

TEST_CASE("resume: a folder that no run has made is left alone") {
    const TemporaryFolder folder;
    fs::create_directories(folder.path / "runs/mine");
    const std::string own = "[data]\nsource = \"synthetic\"\n";
    put(folder.path / "runs/mine/config.toml", own);
    put(folder.path / "runs/mine/epochs.csv", "my,table\n");
    const Outcome refused = run(folder, "mine", " --resume");
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "no run of this program has written it"));
    CHECK(content(folder.path / "runs/mine/config.toml") == own);
    CHECK(content(folder.path / "runs/mine/epochs.csv") == "my,table\n");
    fs::remove(folder.path / "runs/mine/config.toml");
    CHECK(run(folder, "mine", " --resume").code == 2);
    CHECK(content(folder.path / "runs/mine/epochs.csv") == "my,table\n");
}

TEST_CASE(
    "resume: a checkpoint that is damaged, newer or of another network is refused, and nothing is touched") {
    const TemporaryFolder folder;
    run_to_end(folder, "x");
    run_to_end(folder, "other", " --set model.kernel=5");
    const fs::path last = folder.path / "runs/x/checkpoints/last.safetensors";
    const std::string whole = content(last);
    const auto refused = [&](const std::string& bytes) {
        put(last, bytes);
        const auto before = results_of(folder.path / "runs/x");
        const Outcome outcome = run(folder, "x", " --resume --set training.epochs=3");
        CHECK(outcome.code == 2);
        CHECK_MESSAGE(contains(outcome.err, "last.safetensors"), outcome.err);
        CHECK(results_of(folder.path / "runs/x") == before);
    };
    refused("");
    refused(whole.substr(0, whole.size() / 2));
    refused(std::string(8, '\xff') + whole.substr(8));
    std::string newer = whole;
    newer.replace(newer.find("\"format_version\":\"2\""), 20, "\"format_version\":\"3\"");
    refused(newer);
    refused(content(folder.path / "runs/other/checkpoints/last.safetensors"));

    // The best one too, unless it is made anew from the last one.
    put(last, whole);
    const auto best = [&](const std::string& metadata) {
        return SafetensorsFile::parse(content(last), "last").metadata_value(metadata);
    };
    REQUIRE(best("epoch") == "2");
    const Json summary = read_json(folder.path / "runs/x/summary.json");
    if (summary.at("best_epoch") == 0) {
        fs::remove(folder.path / "runs/x/checkpoints/best_f1.safetensors");
        const Outcome outcome = run(folder, "x", " --resume --set training.epochs=3");
        CHECK(outcome.code == 2);
        CHECK(contains(outcome.err, "best_f1.safetensors"));
    }
}

TEST_CASE("run: a folder in which a run goes on is refused with its process id") {
    const TemporaryFolder folder;
    const Outcome outcome =
        run_until(folder, "x", " --set training.epochs=500", "steps.csv",
                  "echo $pid >pid.txt; '" ABR_ENGINE_PATH "' " + kRun +
                      " --experiment-name x --resume --set training.epochs=500 2>second.txt; echo $? "
                      ">second_code.txt; kill -KILL $pid");
    CHECK(content(folder.path / "second_code.txt") == "2\n");
    std::string pid = content(folder.path / "pid.txt");
    pid.pop_back();
    CHECK(contains(content(folder.path / "second.txt"), "in use by process " + pid + ";"));
    // The lock went with the process.
    const Outcome third = shell(folder.path, "timeout --preserve-status 2 '" ABR_ENGINE_PATH "' " + kRun +
                                                 " --experiment-name x --resume --set training.epochs=500"
                                                 " >stdout.txt 2>stderr.txt");
    CHECK_MESSAGE(third.code == 3, third.err);
}

TEST_CASE("run: a limit on file size and a folder that cannot be written to end it with 1 before it trains") {
    const TemporaryFolder folder;
    const auto limited = [&](const std::string& blocks) {
        return shell(folder.path, "ulimit -f " + blocks + "; '" ABR_ENGINE_PATH "' " + kRun +
                                      " --experiment-name limited --resume >stdout.txt 2>stderr.txt");
    };
    const Outcome outcome = limited("500");
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.err, "File too large"));
    CHECK(contains(outcome.err, "--resume"));
    CHECK_FALSE(fs::exists(folder.path / "runs/limited/checkpoints/last.safetensors"));
    CHECK(limited("unlimited").code == 0);

    put(folder.path / "file", "");
    CHECK(engine(folder.path, kRun + " --output-dir file/below").code == 1);
}

TEST_CASE("run: a folder that vanishes ends it with 1") {
    const TemporaryFolder folder;
    const Outcome outcome = run_until(folder, "x", " --set training.epochs=500", "epochs.csv", "rm -r runs");
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.err, "No such file or directory"));
}
