// import on the command line: from a device's files to a trained network and its predictions.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "tests/e2e/tiny_runs.hpp"
#include "tests/engine/import_files.hpp"

using namespace abr::test;
namespace fs = std::filesystem;

namespace {

// A wave V of `amplitude` uV around `latency_ms`, as a device averages it: 26.5 ms before and 25 ms after the stimulus.
IhsAverage response(const std::string& patient, int level, int repetition, double latency_ms,
                    double amplitude) {
    IhsAverage average{.identifier = patient,
                       .name = fmt::format("WF{}.{}", level, repetition),
                       .level = std::to_string(level),
                       .zero = "530"};
    for (int point = 1; point <= 1024; ++point) {
        const double t = (point - 530) * 0.05;
        const double wave = amplitude * std::exp(-std::pow((t - latency_ms) / 0.5, 2));
        const double noise = 0.05 * std::sin(0.1 * point * (repetition + 3) + level);
        average.average.push_back(wave + noise);
        average.first_half.push_back(wave + 2 * noise);
        average.second_half.push_back(wave);
    }
    return average;
}

// A file for each of 12 patients, every other one with late and small responses; labels for all.
std::string write_clinic(const fs::path& folder) {
    fs::create_directory(folder / "clinic");
    std::string labels = "file,class,threshold_db,age_years\n";
    for (int p = 0; p < 12; ++p) {
        const bool loss = p % 2 == 1;
        std::vector<IhsAverage> averages;
        for (const int level : {40, 60, 80})
            for (int r = 0; r < 2; ++r)
                averages.push_back(response(fmt::format("P{:02}", p), level, r,
                                            9 - level / 40.0 + (loss ? 1 : 0),
                                            (loss ? 0.1 : 0.4) * level / 80 + 1e-4 * p));  // no two alike
        put(folder / "clinic" / fmt::format("p{}.TXT", p), ihs_file(averages));
        labels += fmt::format("p{}.TXT,{},{},{}\n", p, loss ? "SNHL" : "NORMAL", loss ? 50 : 10, 20 + p);
    }
    put(folder / "labels.csv", labels);
    return "clinic/*.TXT --labels labels.csv --window-ms 0:20 --interval-ms 0.1";
}

}  // namespace

TEST_CASE(
    "import, check-data, run and predict: a device's files become a trained network and its predictions") {
    const TemporaryFolder folder;
    const std::string clinic = write_clinic(folder.path);
    const Outcome imported =
        engine(folder.path, "import " + clinic + " --out clinic.npz --report clinic.json");
    REQUIRE_MESSAGE(imported.code == 0, imported.err);
    for (const char* part : {"files: 12 of IHS SmartEP text",
                             "recordings: 72 of 12 patients, 200 samples every 0.1 ms, the "
                             "first 0.05 ms after the stimulus",
                             "labels by file: 72 of 72 recordings have a line"})
        CHECK_MESSAGE(contains(imported.out, part), imported.out);
    CHECK_FALSE(contains(imported.out, "note:"));
    const auto report = read_json(folder.path / "clinic.json");
    CHECK(report["files"].size() == 12);
    CHECK(report["means"].size() == 36);
    // 80 dB of the first patient: wave V of 0.4 uV at 7 ms.
    const auto mean = report["means"][2]["mean_uv"].get<std::vector<double>>();
    CHECK(report["means"][2]["intensity_db"] == 80);
    CHECK(std::max_element(mean.begin(), mean.end()) - mean.begin() == doctest::Approx(70).epsilon(0.03));

    put(folder.path / "clinic.toml",
        "[data]\nsource = \"npz\"\npath = \"clinic.npz\"\nclasses = [\"NORMAL\", \"SNHL\"]\n");
    const Outcome sound = engine(folder.path, "check-data clinic.toml");
    CHECK_MESSAGE(sound.code == 0, sound.err);
    CHECK(contains(sound.out, "72 recordings of 12 patients, 200 samples of 0.1 ms"));
    CHECK_MESSAGE(!contains(sound.out, "warning"), sound.out);
    const Outcome run =
        engine(folder.path, "run clinic.toml --experiment-name clinic --output-dir runs" + kTiny);
    REQUIRE_MESSAGE(run.code == 0, run.err);
    const std::string predict = "predict --checkpoint runs/clinic/checkpoints/last.safetensors ";
    REQUIRE(engine(folder.path, predict + "--data clinic.npz --out npz.csv").code == 0);
    CHECK(read_table(folder.path / "npz.csv").size() == 72);
    // The same through CSV.
    REQUIRE(engine(folder.path, "import " + clinic + " --out clinic.csv").code == 0);
    REQUIRE(engine(folder.path, predict + "--data clinic.csv --out csv.csv").code == 0);
    CHECK(content(folder.path / "csv.csv") == content(folder.path / "npz.csv"));
}

TEST_CASE("import: nothing that exists is lost, mistakes are told and nothing is written") {
    const TemporaryFolder folder;
    write_clinic(folder.path);
    const fs::path input = folder.path / "clinic" / "p0.TXT";
    const std::string bytes = content(input);
    fs::create_symlink(input, folder.path / "link.npz");
    fs::create_hard_link(input, folder.path / "hard.csv");
    fs::copy_file(input, folder.path / "kept.npz.tmp");
    put(folder.path / "old.npz", "of somebody else");
    struct Refusal {
        std::string arguments, message;
    };
    for (const Refusal& refusal : {
             Refusal{"clinic/p0.TXT --out link.npz --force",
                     "--out link.npz: is the same file as clinic/p0.TXT"},
             Refusal{"clinic/p0.TXT --out hard.csv --force",
                     "--out hard.csv: is the same file as clinic/p0.TXT"},
             Refusal{"clinic/p0.TXT --labels labels.csv --out labels.csv --force",
                     "--out labels.csv: is the same file as labels.csv"},
             Refusal{"clinic/p0.TXT --out new.npz --report clinic/p0.TXT --force",
                     "--report clinic/p0.TXT: is the same file as clinic/p0.TXT"},
             Refusal{"clinic/p0.TXT --out new.npz --report ./new.npz",
                     "--report ./new.npz: is the same file as --out new.npz"},
             Refusal{"clinic/p0.TXT --out old.npz",
                     "--out old.npz: exists; choose another name, or replace it with "
                     "--force"},
             Refusal{"clinic/p0.TXT --out clinic", "expected a name that ends in .npz"},
             Refusal{"clinic/p0.TXT --out new.mat", "expected a name that ends in .npz"},
             Refusal{"clinic/p0.TXT --out new.npz --window-ms 20", "--window-ms `20`: expected FROM:TO"},
             Refusal{"clinic/p0.TXT --out new.npz --window-ms a:b", "--window-ms `a:b`: expected FROM:TO"},
             Refusal{"clinic/p0.TXT --out new.npz --unit pV", "--unit `pV`: expected V, mV, uV or nV"},
             Refusal{"clinic/p0.TXT --out new.npz --half-buffers both", "--half-buffers"},
             Refusal{"clinic/none.TXT --out new.npz", "clinic/none.TXT: there is no such file"},
             Refusal{"clinic --out new.npz", "clinic: a folder"},
             Refusal{"clinic/p0.TXT labels.csv --out new.npz", "labels.csv: begins with"},
             Refusal{"clinic/p0.TXT --labels none.csv --out new.npz", "none.csv"},
         }) {
        CAPTURE(refusal.arguments);
        const Outcome outcome = engine(folder.path, "import " + refusal.arguments);
        CHECK(outcome.code == 2);
        CHECK_MESSAGE(contains(outcome.err, refusal.message), outcome.err);
    }
    CHECK_FALSE(fs::exists(folder.path / "new.npz"));
    CHECK(content(input) == bytes);
    CHECK(content(folder.path / "kept.npz.tmp") == bytes);
    CHECK(content(folder.path / "old.npz") == "of somebody else");
    CHECK(contains(content(folder.path / "labels.csv"), "file,class"));
    CHECK(engine(folder.path, "import clinic/p0.TXT --out old.npz --force").code == 0);
    CHECK(content(folder.path / "old.npz").starts_with("PK"));
    const Outcome help = engine(folder.path, "import --help");
    CHECK(help.code == 0);
    CHECK(contains(help.out, "ihs-smartep"));
}
