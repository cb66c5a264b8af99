#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/e2e/engine_program.hpp"

using namespace abr::test;

namespace {

namespace fs = std::filesystem;

const std::string kQuickstart = shipped("quickstart.toml");

}  // namespace

TEST_CASE("help teaches with examples and exit codes, and succeeds") {
    const TemporaryFolder folder;
    const Outcome help = engine(folder.path, "--help");
    CHECK(help.code == 0);
    CHECK(contains(help.out, "Examples:"));
    CHECK(contains(help.out, "Exit codes:"));
    for (const char* command : {"run", "synth", "info", "config", "diagnose"}) {
        CHECK(contains(help.out, command));
        CHECK(engine(folder.path, std::string(command) + " --help").code == 0);
    }
}

TEST_CASE("wrong usage exits with 2 and says what is wrong") {
    const TemporaryFolder folder;
    for (const std::string arguments :
         {"", "trian x.toml", "run", "run a.toml b.toml", "run a.toml --quiet --verbose", "config",
          "diagnose", "diagnose runs/none", "synth", "synth --out x.csv --patients 5",
          "synth --out x.csv --patients many", "synth --out x.csv --seed -1", "synth --out x.csv --preset C",
          "info extra", "run a.toml --set", "run missing.toml", "run .", "synth --out ."}) {
        CAPTURE(arguments);
        const Outcome outcome = engine(folder.path, arguments);
        CHECK(outcome.code == 2);
        CHECK_FALSE(outcome.err.empty());
    }
}

TEST_CASE("run refuses what this version cannot do, before it makes a folder") {
    const TemporaryFolder folder;
    for (const std::string option : {"--set run.precision=bf16", "--set logging.report=true",
                                     "--experiment-name a/b", "--experiment-name ''", "--output-dir ''"}) {
        CAPTURE(option);
        CHECK(engine(folder.path, "run " + kQuickstart + " " + option).code == 2);
    }
    CHECK_FALSE(fs::exists(folder.path / "runs"));
}

TEST_CASE("pitfall 5: config reports every error at once and prints what a run would use") {
    const TemporaryFolder folder;
    std::ofstream(folder.path / "bad.toml") << "[training]\nepoch = 3\nbatch_size = 0\n";
    const Outcome bad = engine(folder.path, "config bad.toml --set model.kernel=2");
    CHECK(bad.code == 2);
    CHECK(bad.out.empty());
    CHECK(contains(
        bad.err, "bad.toml:2:1: training.epoch = 3: unknown key; the nearest valid key is training.epochs"));
    CHECK(contains(bad.err, "bad.toml:3:14: training.batch_size = 0"));
    CHECK(contains(bad.err, "--set model.kernel=2: model.kernel = 2: must be odd"));

    const Outcome good = engine(folder.path, "config " + kQuickstart + " --set training.epochs=3");
    CHECK(good.code == 0);
    CHECK(contains(good.out, "\nepochs = 3\n"));
    CHECK(contains(good.out, "\nname = \"quickstart\"\n"));
    CHECK(
        engine(folder.path, "config --set training.epochs=9 --set 'training.epochs=3' " + kQuickstart).out ==
        good.out);
    CHECK(contains(engine(folder.path, "config " + kQuickstart + " --set 'model.stem_kernels=[3, 5, 9]'").out,
                   "\nstem_kernels = [3, 5, 9]\n"));
    std::ofstream(folder.path / "echo.toml") << good.out;
    CHECK(engine(folder.path, "config echo.toml").out == good.out);
}

TEST_CASE("config --docs prints the reference of docs/configuration.md") {
    const TemporaryFolder folder;
    const Outcome docs = engine(folder.path, "config --docs");
    CHECK(docs.code == 0);
    CHECK(content(ABR_SOURCE_DIR "/docs/configuration.md").ends_with(docs.out));
    CHECK_FALSE(docs.out.empty());
}

TEST_CASE("info names version, compiler, SIMD level, threads and libraries") {
    const TemporaryFolder folder;
    const Outcome info = engine(folder.path, "info");
    CHECK(info.code == 0);
    for (const char* part :
         {"abr_engine ", "compiler", "backends    cpu", "SIMD level", "threads", "toml++"}) {
        CHECK(contains(info.out, part));
    }
}

TEST_CASE("synth writes the same cohort for the same seed, with the latents where asked for") {
    const TemporaryFolder folder;
    CHECK(engine(folder.path, "synth --out a.csv --patients 60 --seed 3").code == 0);
    CHECK(engine(folder.path, "synth --out b.csv --patients 60 --seed 3").code == 0);
    CHECK(engine(folder.path, "synth --out c.csv --patients 60 --seed 4 --latents --preset A").code == 0);
    const std::string a = content(folder.path / "a.csv"), c = content(folder.path / "c.csv");
    CHECK(a.size() > 1000);
    CHECK(a == content(folder.path / "b.csv"));
    CHECK_FALSE(contains(a.substr(0, a.find('\n')), "snr_db"));
    CHECK(contains(c.substr(0, c.find('\n')), "snr_db"));

    const Outcome table = engine(folder.path, "synth --table --patients 60");
    CHECK(table.code == 0);
    CHECK(contains(table.out, "|"));
}
