// The choice of the backend where CUDA has no device, as on most machines: hidden from the program where there is one.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

namespace {

namespace fs = std::filesystem;

Outcome without_device(const TemporaryFolder& folder, const std::string& arguments) {
    return shell(folder.path,
                 "CUDA_VISIBLE_DEVICES='' '" ABR_ENGINE_PATH "' " + arguments + " >stdout.txt 2>stderr.txt");
}

const std::string kRun = "run " + shipped("quickstart.toml") + kTinySettings + " --set training.epochs=1";

}  // namespace

TEST_CASE("backend: cuda without a device is refused in one line, with the reason and a remedy") {
    const TemporaryFolder folder;
    const Outcome outcome = without_device(folder, kRun + " --set run.backend=cuda");
    CHECK(outcome.code == 2);
    CHECK(outcome.err.starts_with("abr_engine: run.backend = \"cuda\": "));
    CHECK(contains(outcome.err, ", or set run.backend to \"auto\" or \"cpu\"\n"));
    CHECK(outcome.err.find('\n') + 1 == outcome.err.size());
    CHECK_FALSE(fs::exists(folder.path / "runs"));
}

TEST_CASE("backend: auto without a device says so in one line and computes what cpu does") {
    const TemporaryFolder folder;
    const Outcome automatic = without_device(folder, kRun + " --experiment-name auto");
    REQUIRE_MESSAGE(automatic.code == 0, automatic.err);
    CHECK(contains(automatic.out, "backend: cpu (auto: "));
    const Outcome cpu = without_device(folder, kRun + " --experiment-name cpu --set run.backend=cpu");
    REQUIRE_MESSAGE(cpu.code == 0, cpu.err);
    CHECK(contains(cpu.out, "backend: cpu ("));
    CHECK_FALSE(contains(cpu.out, "auto"));
    check_same_results(folder.path / "runs/auto", folder.path / "runs/cpu");
    const Json environment = read_json(folder.path / "runs/auto/environment.json");
    CHECK(environment.at("backend") == "cpu");
    CHECK_FALSE(environment.at("device").get<std::string>().empty());

    SUBCASE("a run goes on under another backend") {
        const Outcome resumed = without_device(
            folder, kRun + " --experiment-name auto --set run.backend=cpu --set training.epochs=2 --resume");
        CHECK_MESSAGE(resumed.code == 0, resumed.err);
        CHECK(contains(resumed.out, "going on with"));
    }
    SUBCASE("predict takes the same choice") {
        REQUIRE(engine(folder.path, "synth --out cohort.csv --patients 60").code == 0);
        const std::string predict =
            "predict --checkpoint runs/auto/checkpoints/best_f1.safetensors --data cohort.csv --out p.csv";
        const Outcome predicted = without_device(folder, predict);
        CHECK_MESSAGE(predicted.code == 0, predicted.err);
        CHECK(contains(predicted.out, "backend: cpu (auto: "));
        CHECK(without_device(folder, predict + " --set run.backend=cuda").code == 2);
    }
}

TEST_CASE("backend: info says why CUDA cannot be used") {
    const TemporaryFolder folder;
    const Outcome info = without_device(folder, "info");
    CHECK(info.code == 0);
    CHECK(contains(info.out, "backends    cpu; not cuda: "));
}
