// What the diagnostics make of files that are edited, half-written, missing, empty or of a newer version.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "engine/diagnostics/report.hpp"
#include "engine/error.hpp"
#include "engine/keys/read_run.hpp"
#include "tests/engine/synthetic_run.hpp"

namespace abr {
namespace {

using namespace test;

Diagnosis judged(const std::filesystem::path& folder) {
    return diagnose(read_run(folder));
}

TEST_CASE("a table that a person saved from a spreadsheet is read like the engine's own") {
    const TemporaryFolder folder;
    SyntheticRun run(6);
    run.set("val_f1_macro", 0.15);
    run.write(folder.path);
    const Json expected = to_json(judged(folder.path));
    REQUIRE(expected["verdict"] == "critical");

    std::ranges::reverse(run.order);
    run.set("my_notes", 0);
    std::string text = run.epochs_csv(";");
    std::ranges::replace(text, '.', ',');
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
    put(folder.path / "epochs.csv", "\xEF\xBB\xBF" + text);
    CHECK(to_json(judged(folder.path)) == expected);
}

TEST_CASE("a half-written last line is left out, and read once it is whole") {
    const TemporaryFolder folder;
    const SyntheticRun run(6);
    run.write(folder.path);
    const std::string text = run.epochs_csv();
    put(folder.path / "epochs.csv", text.substr(0, text.size() - 3));
    RecordedRun tables = read_run(folder.path);
    CHECK(tables.epochs.rows() == 5);
    CHECK(tables.half_written() == std::vector<std::string>{"epochs.csv"});
    std::ofstream(folder.path / "epochs.csv", std::ios::app) << text.substr(text.size() - 3);
    tables.refresh();
    CHECK(tables.epochs.rows() == 6);
    CHECK(tables.half_written().empty());
    CHECK(tables.epochs.numbers("val_f1_macro").back() == doctest::Approx(0.4));
}

TEST_CASE(
    "a missing column, a word among numbers and a broken row are said, and the other rules are judged") {
    const TemporaryFolder folder;
    SyntheticRun run(6);
    run.set("grad_norm_mean", 1e-9);
    run.remove("val_f1_macro");
    run.write(folder.path);
    Diagnosis diagnosis = judged(folder.path);
    CHECK(not_judged(diagnosis, "F1_ZERO") == "column val_f1_macro missing in epochs.csv");
    CHECK(find(diagnosis, "GRADIENT_VANISHING") != nullptr);

    run = SyntheticRun(6);
    run.set("grad_norm_mean", 3, "lots");
    run.write(folder.path);
    diagnosis = judged(folder.path);
    CHECK(not_judged(diagnosis, "GRADIENT_VANISHING") ==
          "epochs.csv line 5, column grad_norm_mean: `lots` is no number");
    CHECK(not_judged(diagnosis, "F1_ZERO") == "");

    put(folder.path / "epochs.csv", run.epochs_csv() + "1,2\n");
    diagnosis = judged(folder.path);
    CHECK(contains(not_judged(diagnosis, "F1_ZERO"), "epochs.csv line 8 has 2 cells, the header"));
    CHECK(not_judged(diagnosis, "SPLIT_LEAK") == "");

    run = SyntheticRun(6);
    run.set("epoch", 2, 5);
    run.write(folder.path);
    CHECK(contains(not_judged(judged(folder.path), "F1_ZERO"), "not in the order of their epochs"));
}

TEST_CASE("JSON that is missing, empty, no object or of a newer version makes the rules that read it not judged") {
    const TemporaryFolder folder;
    const SyntheticRun run(6);
    run.write(folder.path);
    const auto because = [&](const std::string& text) {
        put(folder.path / "data_report.json", text);
        const Diagnosis diagnosis = judged(folder.path);
        for (const NotJudgedRule& rule : diagnosis.not_judged)
            CHECK((rule.rule == "METRICS_INCOMPLETE" || rule.rule == "DATA_SUSPICIOUS"));
        return not_judged(diagnosis, "METRICS_INCOMPLETE");
    };
    CHECK(because("") == "data_report.json is empty or no JSON");
    CHECK(because("{\"absent_metrics\": {") == "data_report.json is empty or no JSON");
    CHECK(because("[1]") == "data_report.json is no JSON object");
    CHECK(because("{}") == "data_report.json has no object `absent_metrics`");
    CHECK(because("{\"schema_version\": 2, \"absent_metrics\": {}}") ==
          "data_report.json is of a newer version (schema_version 2; this engine knows 1)");
    std::filesystem::remove(folder.path / "data_report.json");
    CHECK(not_judged(judged(folder.path), "METRICS_INCOMPLETE") == "data_report.json is missing");
}

TEST_CASE("a run folder with files missing or empty is judged as far as it goes") {
    for (const char* file : {"config.toml", "epochs.csv", "steps.csv", "classification_report.csv",
                             "split.csv", "predictions_val.csv", "data_report.json"}) {
        CAPTURE(file);
        const TemporaryFolder folder;
        SyntheticRun run(8);
        run.write(folder.path);
        put(folder.path / file, "");
        CHECK_NOTHROW(to_markdown(judged(folder.path)));
        std::filesystem::remove(folder.path / file);
        const Diagnosis without = judged(folder.path);
        CHECK_NOTHROW(to_markdown(without));
        CHECK((find(without, "HEALTHY") != nullptr || !without.not_judged.empty()));
    }
    const TemporaryFolder folder;
    SyntheticRun(4).write(folder.path);
    put(folder.path / "config.toml", "[a_later_version]\nkey = 1\n");
    CHECK(contains(not_judged(judged(folder.path), "PLATEAU"), "fewer than 5 epochs are complete"));
    CHECK(contains(not_judged(judged(folder.path), "LEARNING_RATE_HIGH"), "config.toml cannot be used"));
}

TEST_CASE("what is no run folder is refused with the reason") {
    const TemporaryFolder folder;
    CHECK(contains(message_of<InputError>([&] { read_run(folder.path / "none"); }), "no such folder"));
    CHECK(contains(message_of<InputError>([&] { read_run(folder.path); }), "holds no run"));
    SyntheticRun(1).write(folder.path);
    put(folder.path / "epochs.csv", "epoch,val_f1_macro\n");
    const Diagnosis begun = judged(folder.path);
    CHECK(begun.epochs == 0);
    CHECK(find(begun, "HEALTHY") == nullptr);
    CHECK(not_judged(begun, "HEALTHY") == "no epoch is complete yet");
}

}  // namespace
}  // namespace abr
