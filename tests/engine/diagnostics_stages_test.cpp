// The rules on a run with stages: each stage is judged as if it were a run, by its own configuration.
#include <doctest/doctest.h>

#include <string>

#include "tests/engine/synthetic_run.hpp"

using namespace abr;
using namespace abr::test;

namespace {

const std::string kStages =
    "[training]\nepochs = 6\n[[stages]]\nname = \"pretrain\"\nloss.weights.classification = 0\n"
    "[[stages]]\nname = \"tasks\"\noptimizer.learning_rate = 5e-3\n";

// Epochs before `begin` are of the first stage, the others of the second.
SyntheticRun run_of_stages(std::size_t epochs, std::size_t begin) {
    SyntheticRun run(epochs);
    run.config = kStages;
    run.set("stage", 0);
    for (std::size_t row = 0; row < epochs; ++row) run.set("stage", row, row < begin ? "pretrain" : "tasks");
    return run;
}

}  // namespace

TEST_CASE("diagnostics: what changes with the stage is no fault of it") {
    // The norm of all tasks' gradient beside that of the signal's alone.
    const auto norms = [](SyntheticRun run) {
        run.set("grad_norm_mean", [](double e) { return e < 6 ? 0.01 : 1; });
        return run.diagnosis();
    };
    CHECK(find(norms(SyntheticRun(12)), "GRADIENT_UNSTABLE") != nullptr);
    CHECK(find(norms(run_of_stages(12, 6)), "GRADIENT_UNSTABLE") == nullptr);
    CHECK(norms(run_of_stages(12, 6)).verdict() == "healthy");
}

TEST_CASE("diagnostics: advice is for the stage under way, with its values") {
    SyntheticRun run = run_of_stages(12, 6);
    run.set("grad_norm_std", 3);
    const Diagnosis diagnosis = run.diagnosis();
    const Finding* finding = find(diagnosis, "GRADIENT_UNSTABLE");
    REQUIRE(finding != nullptr);
    CHECK(finding->first_epoch >= 6);
    CHECK(finding->last_epoch == 11);
    bool advised = false;
    for (const ConfigChange& change : finding->changes) {
        CHECK(change.key.starts_with("stages.tasks."));
        if (change.key != "stages.tasks.optimizer.learning_rate") continue;
        advised = true;
        CHECK(change.from == 5e-3);
    }
    CHECK(advised);
}

TEST_CASE("diagnostics: a stage that does not train the classifier is not held to its scores") {
    SyntheticRun run = run_of_stages(12, 12);
    run.set("weight_classification", 0);
    run.set("val_f1_macro", 0.01);
    for (const char* rule : {"F1_BEHIND_TIMELINE", "F1_ZERO", "F1_NOT_ABOVE_MAJORITY"})
        CHECK(find(run.diagnosis(), rule) == nullptr);
    run.config = "[training]\nepochs = 100\n";
    CHECK(find(run.diagnosis(), "F1_BEHIND_TIMELINE") != nullptr);
}
