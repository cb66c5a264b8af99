// Runs of several stages: what each does, what goes from one to the next, and going on after an end in any of
// them.
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

// The signal alone, then everything: with other steps, an average of the weights, and a part that is kept.
const std::string kPretrain =
    "[[stages]]\nname = \"pretrain\"\ntraining.epochs = 2\n"
    "[stages.loss.weights]\npeak_exist = 0\npeak_latency = 0\npeak_amplitude = 0\nclassification = 0\n"
    "threshold = 0\n";
const std::string kFinetune =
    "[[stages]]\nname = \"finetune\"\nfreeze = [\"stem\", \"encoder.0\"]\nfresh = [\"heads.threshold\"]\n"
    "training = { epochs = 3, batch_size = 48, ema_decay = 0.9, sampler = \"balanced\" }\n"
    "optimizer.learning_rate = 1e-3\nloss.class_weights = \"balanced\"\ncurriculum.class_start = 1\n";

Outcome run(const TemporaryFolder& folder, const std::string& stages, const std::string& settings) {
    put(folder.path / "stages.toml", stages);
    return engine(folder.path, "run stages.toml" + kTiny + " " + settings);
}

void run_to_end(const TemporaryFolder& folder, const std::string& stages, const std::string& settings) {
    const Outcome outcome = run(folder, stages, settings);
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
}

// Begins or goes on with run `name` and interrupts it as soon as `condition` (of the shell) holds.
Outcome interrupted_when(const TemporaryFolder& folder, const std::string& name,
                         const std::string& condition) {
    return shell(folder.path, "{ '" ABR_ENGINE_PATH "' run stages.toml" + kTiny +
                                  " --resume --experiment-name " + name +
                                  " --set training.checkpoint_minutes=1e-9 >stdout.txt 2>stderr.txt &"
                                  " pid=$!; while kill -0 $pid && ! " +
                                  condition + "; do sleep 0.02; done; kill -INT $pid; wait $pid; }");
}

std::int64_t rows_of_stage(const CsvTable& epochs, const std::string& stage) {
    return std::count_if(epochs.begin(), epochs.end(),
                         [&](const auto& row) { return row.at("stage") == stage; });
}

}  // namespace

TEST_CASE("stages: each trains as its configuration says, and hands on the weights of its best epoch") {
    const TemporaryFolder folder;
    run_to_end(folder, kPretrain + kFinetune, "--experiment-name both");
    const fs::path both = folder.path / "runs/both";
    const CsvTable epochs = read_table(both / "epochs.csv"), steps = read_table(both / "steps.csv");
    REQUIRE(epochs.size() == 5);
    for (std::size_t e = 0; e < epochs.size(); ++e) {
        CAPTURE(e);
        CHECK(number(epochs[e], "epoch") == static_cast<double>(e));
        CHECK(epochs[e].at("stage") == (e < 2 ? "pretrain" : "finetune"));
        CHECK(number(epochs[e], "weight_signal") == 0.8);
        CHECK(number(epochs[e], "weight_threshold") == (e < 2 ? 0 : 1));
        CHECK(number(epochs[e], "weight_classification") == (e < 3 ? 0 : 2.5));
    }
    for (std::size_t s = 0; s < steps.size(); ++s) CHECK(number(steps[s], "step") == static_cast<double>(s));
    // The rate of the second stage begins where its schedule does.
    const auto begin =
        std::find_if(steps.begin(), steps.end(), [](auto& row) { return row.at("epoch") == "2"; });
    REQUIRE(begin != steps.end());
    CHECK(number(*begin, "learning_rate") == doctest::Approx(1e-3).epsilon(1e-6));

    // The first stage is, to the bit, a run of its own.
    run_to_end(folder, kPretrain, "--experiment-name alone");
    const fs::path alone = folder.path / "runs/alone";
    const CsvTable first = read_table(alone / "steps.csv");
    REQUIRE(first.size() == static_cast<std::size_t>(begin - steps.begin()));
    CHECK(std::equal(first.begin(), first.end(), steps.begin()));

    // Frozen parts have the bits of its best epoch, which the loss tells: the classifier was not trained.
    const Json ended = read_json(alone / "summary.json");
    const auto best = SafetensorsFile::open(alone / "checkpoints/best_loss.safetensors");
    CHECK(best.metadata_value("epoch") == std::to_string(ended.at("best_epoch").get<int>() + 1));
    const auto last = SafetensorsFile::open(both / "checkpoints/last.safetensors");
    std::size_t frozen = 0;
    for (const auto& [name, entry] : best.entries()) {
        if (!name.starts_with("stem.") && !name.starts_with("encoder.0.")) continue;
        CAPTURE(name);
        ++frozen;
        CHECK(last.floats(name) == best.floats(name));
        CHECK(last.floats("ema/" + name) == best.floats(name));
        for (const char* moment : {"optimizer/first_moment/", "optimizer/second_moment/"})
            for (const float value : last.floats(moment + name)) REQUIRE(value == 0);
    }
    CHECK(frozen > 10);
    CHECK(last.floats("encoder.1.block0.conv1.weight") != best.floats("encoder.1.block0.conv1.weight"));

    const Json stages = read_json(both / "stages.json").at("stages");
    REQUIRE(stages.size() == 2);
    CHECK(stages[0].at("init_from").is_null());
    CHECK(stages[0].at("loaded").empty());
    CHECK(stages[1].at("init_from") == "previous");
    CHECK(stages[1].at("fresh").size() == 4);
    CHECK(stages[1].at("frozen").size() == frozen);
    CHECK(stages[0].at("fresh").size() == stages[1].at("fresh").size() + stages[1].at("loaded").size());
    // What is measured in the end is the best epoch of the last stage.
    CHECK(read_json(both / "summary.json").at("best_epoch") >= 2);
    CHECK(contains(content(both / "config.toml"), "\n[[stages]]\nname = \"finetune\"\n"));
}

TEST_CASE("stages: a run that is interrupted in each of them ends with the bits of an uninterrupted one") {
    const TemporaryFolder folder;
    run_to_end(folder, kPretrain + kFinetune, "--experiment-name whole");
    const auto last = [&] {
        return SafetensorsFile::open(folder.path / "runs/parts/checkpoints/last.safetensors")
            .metadata_value("progress");
    };
    CHECK(interrupted_when(folder, "parts", "[ -s runs/parts/checkpoints/last.safetensors ]").code == 3);
    CHECK_FALSE(contains(last(), "\"stage\""));
    const std::string in_second =
        "grep -q pretrain$ runs/parts/epochs.csv && "
        "[ \"$(tail -1 runs/parts/steps.csv | cut -d, -f1)\" = 2 ]";
    CHECK(interrupted_when(folder, "parts", "{ " + in_second + "; }").code == 3);
    CHECK(contains(last(), "\"stage\":1"));
    CHECK(interrupted_when(folder, "parts", "grep -q finetune$ runs/parts/epochs.csv").code == 3);
    run_to_end(folder, kPretrain + kFinetune,
               "--experiment-name parts --resume --set training.checkpoint_minutes=1e-9");
    auto whole = results_of(folder.path / "runs/whole"), parts = results_of(folder.path / "runs/parts");
    CHECK(whole.size() == parts.size());
    for (const auto& [name, text] : whole) CHECK_MESSAGE(parts[name] == text, name << " differs");

    // Another stage and another value in an earlier one are refused; the last one may have more epochs.
    const Outcome other = run(folder, kPretrain + kFinetune,
                              "--experiment-name whole --resume --set stages.pretrain.optimizer.beta1=0.5");
    CHECK(other.code == 2);
    CHECK(contains(other.err, "stages.pretrain.optimizer.beta1 was 0.9, is 0.5 now"));
    const Outcome earlier = run(folder, kPretrain + kFinetune,
                                "--experiment-name whole --resume --set stages.pretrain.training.epochs=3");
    CHECK(earlier.code == 2);
    CHECK(contains(earlier.err, "stages.pretrain.training.epochs was 2, is 3 now"));
    const Outcome third = run(folder, kPretrain + kFinetune + "[[stages]]\nname = \"third\"\n",
                              "--experiment-name whole --resume");
    CHECK(third.code == 2);
    CHECK(contains(third.err, "stages was pretrain, finetune, is pretrain, finetune, third now"));
    run_to_end(folder, kPretrain + kFinetune,
               "--experiment-name whole --resume --set stages.finetune.training.epochs=4");
    CHECK(read_table(folder.path / "runs/whole/epochs.csv").size() == 6);
}

TEST_CASE("stages: runs of two that were killed at random end with the bits of an uninterrupted one") {
    const TemporaryFolder folder;
    put(folder.path / "stages.toml", kPretrain + kFinetune);
    const Outcome outcome =
        shell(folder.path, "python3 '" ABR_SOURCE_DIR
                           "/tests/e2e/interruptions.py' kills --count 4 --config "
                           "stages.toml --engine '" ABR_ENGINE_PATH "' --faults '" ABR_FILE_FAULTS_PATH
                           "' >stdout.txt 2>stderr.txt");
    MESSAGE(outcome.out);
    CHECK_MESSAGE(outcome.code == 0, outcome.err);
}

TEST_CASE("stages: early stopping ends its stage, and the next begins") {
    const TemporaryFolder folder;
    const std::string stopping =
        "[[stages]]\nname = \"first\"\ntraining = { epochs = 6, early_stopping = { patience = 1, min_delta = "
        "0.5 } }\n"
        "optimizer.learning_rate = 1e-9\nschedule.type = \"constant\"\n[[stages]]\nname = \"second\"\n";
    run_to_end(folder, stopping, "--experiment-name x --set training.epochs=1");
    const CsvTable epochs = read_table(folder.path / "runs/x/epochs.csv");
    CHECK(rows_of_stage(epochs, "first") == 2);
    CHECK(rows_of_stage(epochs, "second") == 1);
    CHECK(read_json(folder.path / "runs/x/summary.json").at("stop_reason") == "finished");
}

TEST_CASE(
    "stages: weights from a checkpoint are taken by name, and a file that does not fit ends it with 2") {
    const TemporaryFolder folder;
    run_to_end(folder, kPretrain, "--experiment-name source --set training.ema_decay=0.5");
    const std::string from =
        "[[stages]]\nname = \"only\"\ninit_from = \"runs/source/checkpoints/last.safetensors\"\n"
        "training.epochs = 1\noptimizer.learning_rate = 1e-30\nschedule.min_lr = 0\n"
        "optimizer.weight_decay = 0\n";
    put(folder.path / "stages.toml", from);
    const Outcome taken = engine(folder.path, "run stages.toml" + kTinySettings + " --experiment-name x");
    REQUIRE_MESSAGE(taken.code == 0, taken.err);
    CHECK(contains(taken.out, "stage only (1 of 1), 1 epochs, weights of "));
    CHECK(contains(taken.out, "fresh: none; in the file alone: none"));
    const auto source = SafetensorsFile::open(folder.path / "runs/source/checkpoints/last.safetensors");
    const auto result = SafetensorsFile::open(folder.path / "runs/x/checkpoints/last.safetensors");
    CHECK(result.floats("stem.mix.weight") == source.floats("ema/stem.mix.weight"));

    const auto refused = [&](const std::string& stages, const std::string& settings,
                             const std::string& words) {
        const Outcome outcome = run(folder, stages, "--experiment-name refused" + settings);
        CHECK(outcome.code == 2);
        CHECK_MESSAGE(contains(outcome.err, words), outcome.err);
        CHECK_FALSE(fs::exists(folder.path / "runs/refused"));
    };
    refused(from, " --set model.base_channels=16", "in this network [");
    refused(from, " --set stages.only.freeze='[\"mood\"]'",
            "stages.only.freeze: the network has no part `mood`");
    refused(from, " --set stages.only.freeze='[\"encoder\", \"decoder\", \"heads\"]'",
            "nothing would be trained");
    refused(kPretrain + kFinetune, " --set stages.finetune.init_from=missing.safetensors",
            "missing.safetensors");
}
