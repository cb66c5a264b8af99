// No output of any command costs a user a file.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr::test;

namespace fs = std::filesystem;

namespace {

struct CommandLine {
    std::string words;
    std::vector<std::string> inputs;   // files that it reads
    std::vector<std::string> outputs;  // options
};

// Every command that is told where to write, with files of a finished run.
const std::vector<CommandLine> kCommands = {
    {"predict --checkpoint net.safetensors --data rows.csv --config lab.toml --split-file split.csv --part "
     "val",
     {"net.safetensors", "rows.csv", "lab.toml", "split.csv"},
     {"--out", "--restored", "--marks"}},
    {"evaluate --checkpoint net.safetensors --data rows.csv --config lab.toml --split-file split.csv --part "
     "val",
     {"net.safetensors", "rows.csv", "lab.toml", "split.csv"},
     {"--out", "--by-level"}},
    {"trace lab.toml --set data.path=rows.csv --set data.split_file=split.csv --checkpoint net.safetensors",
     {"lab.toml", "rows.csv", "split.csv", "net.safetensors"},
     {"--out"}},
    {"compare runs/x runs/y",
     {"runs/x/epochs.csv", "runs/y/config.toml", "runs/y/checkpoints/last.safetensors"},
     {"--csv"}},
    {"synth --patients 60", {}, {"--out"}},
};

// A run of a few recordings and everything that the commands above read.
void make_files(const fs::path& folder) {
    REQUIRE(engine(folder, "synth --out rows.csv --patients 60 --seed 7").code == 0);
    for (const char* name : {"x", "y"})
        REQUIRE(engine(folder, "run " + shipped("quickstart.toml") + kTiny + " --set data.source=csv" +
                                   " --set data.path=rows.csv --experiment-name " + name)
                    .code == 0);
    fs::copy(folder / "runs/x/checkpoints/last.safetensors", folder / "net.safetensors");
    fs::copy(folder / "runs/x/split.csv", folder / "split.csv");
    fs::copy(folder / "runs/x/config.toml", folder / "lab.toml");
}

}  // namespace

TEST_CASE("outputs: the same file as any input or other output is refused, also by a link or with --force") {
    const TemporaryFolder folder;
    make_files(folder.path);
    for (const CommandLine& command : kCommands) {
        for (const std::string& output : command.outputs) {
            std::string rest;  // of the outputs, which are new files
            for (const std::string& other : command.outputs)
                if (other != output) rest += " " + other + " other.csv";
            for (const std::string& input : command.inputs) {
                const std::string whole = content(folder.path / input);
                fs::create_symlink(folder.path / input, folder.path / "link");
                fs::create_hard_link(folder.path / input, folder.path / "hard");
                for (const std::string& name :
                     {input, std::string("link"), std::string("hard"), "./" + input}) {
                    const std::string words =
                        fmt::format("{} {} {}{} --force", command.words, output, name, rest);
                    CAPTURE(words);
                    const Outcome outcome = engine(folder.path, words);
                    CHECK(outcome.code == 2);
                    CHECK(contains(outcome.err, "is the same file as"));
                    CHECK(content(folder.path / input) == whole);
                    CHECK_FALSE(fs::exists(folder.path / "other.csv"));
                }
                fs::remove(folder.path / "link");
                fs::remove(folder.path / "hard");
            }
        }
    }
    const std::string both = kCommands.front().words;
    fs::create_symlink("new.csv", folder.path / "dangling");
    for (const char* pair : {"--out new.csv --restored new.csv", "--out new.csv --restored dangling",
                             "--out ./new.csv --restored new.csv"}) {
        const Outcome outcome = engine(folder.path, both + " " + pair);
        CHECK(outcome.code == 2);
        CHECK(contains(outcome.err, "is the same file as --out"));
        CHECK_FALSE(fs::exists(folder.path / "new.csv"));
    }
}

TEST_CASE(
    "outputs: a file is replaced with --force alone, links are followed, devices and pipes are written to") {
    const TemporaryFolder folder;
    make_files(folder.path);
    for (const CommandLine& command : kCommands) {
        CAPTURE(command.words);
        const std::string words = command.words + " " + command.outputs.front() + " ";
        put(folder.path / "mine.txt", "mine");
        put(folder.path / "mine.txt.tmp", "mine, too");
        const Outcome kept = engine(folder.path, words + "mine.txt");
        CHECK(kept.code == 2);
        CHECK(contains(kept.err, "exists; choose another name, or replace it with --force"));
        CHECK(content(folder.path / "mine.txt") == "mine");

        fs::create_symlink("mine.txt", folder.path / "link.txt");
        REQUIRE_MESSAGE(engine(folder.path, words + "link.txt --force").code == 0, words);
        CHECK(fs::is_symlink(folder.path / "link.txt"));
        const std::string result = content(folder.path / "mine.txt");
        CHECK(result.size() > 100);
        CHECK(content(folder.path / "mine.txt.tmp") == "mine, too");

        REQUIRE(engine(folder.path, words + "/dev/null").code == 0);
        CHECK(fs::is_character_file("/dev/null"));

        const std::string program = "'" ABR_ENGINE_PATH "' ";
        CHECK(shell(folder.path, program + words + "/dev/stdout 2>messages.txt | cat >piped.txt").code == 0);
        CHECK(content(folder.path / "piped.txt") == result);
        CHECK(shell(folder.path, program + words + "/dev/stdout >redirected.txt 2>messages.txt").code == 0);
        CHECK(content(folder.path / "redirected.txt") == result);
        CHECK(shell(folder.path, "mkfifo pipe && (cat pipe >from_pipe.txt & " + program + words +
                                     "pipe >messages.txt; wait)")
                  .code == 0);
        CHECK(fs::is_fifo(folder.path / "pipe"));
        CHECK(content(folder.path / "from_pipe.txt") == result);

        CHECK(contains(engine(folder.path, words + "no/such.csv").err, "there is no folder"));
        for (const char* name : {"mine.txt", "mine.txt.tmp", "link.txt", "pipe"})
            fs::remove(folder.path / name);
    }
    put(folder.path / "diagnostics.md", "mine");
    CHECK(engine(folder.path, "diagnose runs/x --output-dir .").code == 2);
    CHECK(content(folder.path / "diagnostics.md") == "mine");
    CHECK(engine(folder.path, "diagnose runs/x --output-dir . --force").code == 0);
    CHECK(engine(folder.path, "diagnose runs/x").code == 0);
}
