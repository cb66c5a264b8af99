// Runs side by side, from run folders made of text.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "engine/comparison/comparison.hpp"
#include "engine/keys/read_run.hpp"
#include "tests/engine/output_files.hpp"
#include "tests/engine/synthetic_run.hpp"

using namespace abr;
using namespace abr::test;

namespace {

Comparison compared(const std::vector<const SyntheticRun*>& runs) {
    const TemporaryFolder folder;
    std::vector<ComparedRun> read;
    for (const SyntheticRun* run : runs) {
        const std::string name(1, static_cast<char>('a' + read.size()));
        std::filesystem::create_directory(folder.path / name);
        run->write(folder.path / name);
        read.push_back({name, read_run(folder.path / name)});
    }
    return compare(read);
}

const Comparison::Measure& measure(const std::vector<Comparison::Measure>& measures,
                                   const std::string& column) {
    const auto found = std::ranges::find(measures, column, &Comparison::Measure::column);
    REQUIRE_MESSAGE(found != measures.end(), column);
    return *found;
}

}  // namespace

TEST_CASE("the settings that differ are compared over all runs, the run's name is none of them") {
    SyntheticRun a(3), b(3), c(3);
    a.config = "run.name = \"a\"\ntraining.epochs = 3\n";
    b.config = "run.name = \"b\"\ntraining.epochs = 4\noptimizer.learning_rate = 0.5\n";
    c.config = "run.name = \"c\"\ntraining.epochs = 3\n[diagnostics.class_rare]\npatients = 31\n";
    const Comparison comparison = compared({&a, &b, &c});
    CHECK(comparison.runs == std::vector<std::string>{"a", "b", "c"});
    REQUIRE(comparison.settings.size() == 3);
    const auto values = [&](const std::string& key) {
        const auto found = std::ranges::find(comparison.settings, key, &Comparison::Setting::key);
        REQUIRE_MESSAGE(found != comparison.settings.end(), key);
        return found->values;
    };
    CHECK(values("training.epochs") == std::vector<std::string>{"3", "4", "3"});
    CHECK(values("optimizer.learning_rate")[1] == "0.5");
    CHECK(values("optimizer.learning_rate")[0] == values("optimizer.learning_rate")[2]);
    CHECK(values("diagnostics.class_rare.patients")[2] == "31");
    CHECK(comparison.missing.empty());
}

TEST_CASE("the best epoch is the first of the highest F1, without F1 the first of the lowest loss") {
    SyntheticRun a(5), b(5);
    a.set("val_f1_macro", 0.2);
    a.set("val_f1_macro", 1, 0.7);
    a.set("val_f1_macro", 3, 0.7);
    a.set("val_loss_total", [](double epoch) { return 10 - epoch; });
    b.remove("val_f1_macro");
    b.set("val_loss_total", 3);
    b.set("val_loss_total", 2, 1.5);
    b.set("val_loss_total", 4, 1.5);
    const Comparison comparison = compared({&a, &b});
    CHECK(comparison.best_epoch == std::vector<std::optional<std::int64_t>>{1, 2});
    CHECK(measure(comparison.best, "val_f1_macro").values ==
          std::vector<std::optional<double>>{0.7, std::nullopt});
    CHECK(measure(comparison.best, "val_loss_total").values == std::vector<std::optional<double>>{9, 1.5});
}

TEST_CASE("the first step's difference is the largest relative one, and infinite where a value is missing") {
    SyntheticRun a(2), b(2), c(2);
    a.step_losses[0] = 4;
    b.step_losses[0] = 5;
    b.step_losses[1] = 100;  // of the second step
    c.bad_step = 0;
    const Comparison comparison = compared({&a, &b, &c});
    CHECK(comparison.first_step_difference(0) == 0);
    CHECK(comparison.first_step_difference(1) == doctest::Approx(0.25));
    CHECK(comparison.first_step_difference(2) == std::numeric_limits<double>::infinity());
    CHECK(measure(comparison.first_step, "grad_norm").values.size() == 3);
}

TEST_CASE("epochs that only one run has, and what a folder lacks, are empty and said") {
    SyntheticRun a(2), b(3);
    b.config = "run.name = 5\n";
    b.set("train_loss_total", 2, "lots");
    const Comparison comparison = compared({&a, &b});
    REQUIRE(comparison.epochs.size() == 3);
    CHECK(comparison.epochs_done == std::vector<std::size_t>{2, 3});
    const auto& last = measure(comparison.epochs[2].measures, "val_f1_macro");
    CHECK_FALSE(last.values[0].has_value());
    CHECK(last.values[1].value() == doctest::Approx(0.34));
    CHECK_FALSE(measure(comparison.epochs[0].measures, "train_loss_total").values[1].has_value());
    REQUIRE(comparison.missing.size() == 2);
    CHECK(comparison.missing[0].starts_with("b: config.toml cannot be used: "));
    CHECK(comparison.missing[1] == "b: epochs.csv line 4, column train_loss_total: `lots` is no number");
    CHECK(comparison.settings.empty());

    const std::string text = to_text(comparison, true);
    CHECK(contains(text, "b: epochs.csv line 4"));
    CHECK(contains(text, "- | 0.34"));
    CHECK_FALSE(contains(to_text(comparison, false), "- | 0.34"));
}

TEST_CASE("a comparison as CSV holds the settings, the best epoch, the first step and every epoch") {
    SyntheticRun a(2), b(2);
    a.config = "training.epochs = 2\n";
    b.config = "training.epochs = 3\n";
    b.step_losses[0] = 0.5;
    const std::string csv = to_csv(compared({&a, &b}));
    CHECK(csv.starts_with("kind,name,epoch,a,b\nsetting,training.epochs,,2,3\nbest,epoch,,1,1\nbest,"));
    CHECK(contains(csv, "\nbest,val_f1_macro,,0.32,0.32\n"));
    CHECK(contains(csv, "\nfirst_step,loss_total,,1,0.5\n"));
    CHECK(contains(csv, "\nepoch,val_f1_macro,0,0.3,0.3\n"));
    CHECK(contains(csv, "\nepoch,val_f1_macro,1,0.32,0.32\n"));
}
