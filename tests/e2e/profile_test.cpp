#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>

#include "kernels/profile.hpp"
#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("--profile tells where the time went and changes no result") {
    const TemporaryFolder folder;
    const std::string run = "run " + shipped("quickstart.toml") + kTinySettings + " --experiment-name ";
    REQUIRE(engine(folder.path, run + "plain --quiet").code == 0);
    const Outcome outcome = engine(folder.path, run + "profiled --profile");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    CHECK(contains(outcome.out, "time of each op"));
    CHECK(contains(outcome.out, "  conv1d_backward_weight"));

    const auto path = folder.path / "runs/profiled/profile.csv";
    CHECK(content(path).starts_with("phase,op,calls,seconds,share\n"));
    std::set<std::string> phases;
    double seconds = 0, share = 0;
    for (const auto& row : read_table(path)) {
        phases.insert(row.at("phase"));
        CHECK(number(row, "calls") >= 1);
        seconds += number(row, "seconds");
        share += number(row, "share");
    }
    CHECK(phases == std::set<std::string>(kPhaseNames.begin(), kPhaseNames.end()));
    CHECK(share == doctest::Approx(1));
    CHECK(seconds > 0);
    CHECK(seconds < read_json(folder.path / "runs/profiled/summary.json")["wall_seconds"].get<double>());

    std::filesystem::remove(path);
    check_same_results(folder.path / "runs/plain", folder.path / "runs/profiled");
}
