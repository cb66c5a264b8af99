// check-data: what a person is told before training.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "tests/e2e/engine_program.hpp"

using namespace abr::test;

namespace {

const std::string kConfig =
    "[data]\nsource = \"csv\"\npath = \"data.csv\"\nsample_interval_ms = 2.5\nclasses = [\"A\", \"B\"]\n";

// 24 recordings of 12 patients of two classes, with mistakes in lines 4, 7 and 9 where asked for.
std::string table(double signal_unit, double age_unit, bool bad) {
    std::string text = "patient_id,intensity_db,age_years,class,s0,s1,s2,s3,s4,s5,s6,s7\n";
    for (int r = 0; r < 24; ++r) {
        const bool flat = bad && r == 5;
        text += fmt::format("p{},{},{},{}", r / 2, bad && (r == 2 || r == 7) ? "8O" : "80",
                            (20 + r) * age_unit, r / 2 % 2 == 0 ? "A" : "B");
        for (int k = 0; k < 8; ++k)
            text += fmt::format(",{}", flat ? 1.0 : signal_unit * std::sin(r + 1.7 * k));
        text += "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("check-data: rows, ranges, classes by split and components as tables, trains nothing") {
    const TemporaryFolder folder;
    put(folder.path / "lab.toml", kConfig);
    put(folder.path / "data.csv", table(0.5, 1, false));
    const Outcome outcome = engine(folder.path, "check-data lab.toml");
    CHECK_MESSAGE(outcome.code == 0, outcome.err);
    for (const char* part : {"24 recordings of 12 patients, 8 samples of 2.5 ms", "read         24",
                             "used         24", "age_years", "recordings (patients)", "classification",
                             "a run accepts these data", "dropped: the data have no column threshold_db"})
        CHECK_MESSAGE(contains(outcome.out, part), part);
    CHECK_FALSE(contains(outcome.out, "warning"));
    CHECK_FALSE(std::filesystem::exists(folder.path / "runs"));
}

TEST_CASE("check-data: all bad rows at once with their lines and reasons, a run would stop at the first") {
    const TemporaryFolder folder;
    put(folder.path / "lab.toml", kConfig);
    put(folder.path / "data.csv", table(0.5, 1, true));
    const Outcome stops = engine(folder.path, "check-data lab.toml");
    CHECK(stops.code == 2);
    CHECK(contains(stops.out, "rejected      3"));
    CHECK(contains(stops.out, "not_a_number              2   4, 9"));
    CHECK(contains(stops.out, "zero_variance_signal      1      7"));
    CHECK(contains(stops.out, "data.csv:4, column `intensity_db`: value `8O`"));
    CHECK(contains(stops.out, "data.csv:7, column `s0`: all 8 samples are 1"));
    CHECK(contains(stops.err,
                   "data.csv:4, column `intensity_db`: value `8O`: expected a number, with a decimal point; "
                   "correct the row; 3 such rows are left out with data.on_bad_row = \"skip\""));
    const std::string skip = " --set data.on_bad_row=skip";
    const Outcome too_many = engine(folder.path, "check-data lab.toml" + skip);
    CHECK(too_many.code == 2);
    CHECK(contains(too_many.err, "3 of 24 rows are bad"));
    CHECK(contains(too_many.err, "data.max_bad_fraction = 0.05"));
    CHECK(engine(folder.path, "check-data lab.toml --set data.max_bad_fraction=0.2" + skip).code == 0);
}

TEST_CASE("check-data: values that look like another unit are warned of") {
    const TemporaryFolder folder;
    put(folder.path / "lab.toml", kConfig);
    put(folder.path / "data.csv", table(0.5e-6, 12, false));
    const Outcome outcome = engine(folder.path, "check-data lab.toml");
    CHECK(outcome.code == 0);
    CHECK(contains(outcome.out, "warning: signal: the median standard deviation of a recording is"));
    CHECK(contains(outcome.out, "this looks like V; set data.signal_unit = \"V\""));
    CHECK(contains(outcome.out, "warning: age_years: the highest is 516"));
    CHECK(contains(outcome.out, "this looks like months; divide by 12"));
}
