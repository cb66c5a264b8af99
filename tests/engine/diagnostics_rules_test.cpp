// Every rule: it fires with the right evidence, and is silent just on the other side of its thresholds.
#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <utility>

#include "engine/rules/rules.hpp"
#include "tests/engine/synthetic_run.hpp"

namespace abr {
namespace {

using namespace test;

using Change = std::function<void(SyntheticRun&)>;

struct RuleCaseTable {
    const char* rule;
    const char* what;
    std::size_t epochs;
    std::pair<std::int64_t, std::int64_t> during;  // first and last epoch of the finding
    Change before;                                 // what both sides have in common
    Change fires, silent;
    std::function<bool(const Finding&)> evidence;
};

const Change kNothing = [](SyntheticRun&) {};

Change whole(const std::string& column, double value) {
    return [=](SyntheticRun& run) { run.set(column, value); };
}
// The last n rows.
Change tail(const std::string& column, std::size_t n, double value) {
    return [=](SyntheticRun& run) {
        for (std::size_t row = run.epochs - n; row < run.epochs; ++row) run.set(column, row, value);
    };
}
Change config(const std::string& text) {
    return [=](SyntheticRun& run) { run.config = text; };
}
Change all_of(std::vector<Change> changes) {
    return [=](SyntheticRun& run) {
        for (const Change& change : changes) change(run);
    };
}
Change geometric(const std::string& column, double from, double factor) {
    return [=](SyntheticRun& run) { run.set(column, [=](double e) { return from * std::pow(factor, e); }); };
}

bool near(const Json& value, double expected, double tolerance = 1e-9) {
    return value.is_number() && std::abs(value.get<double>() - expected) <= tolerance;
}
std::function<bool(const Finding&)> has(const std::string& name, double value, double tolerance = 1e-9) {
    return
        [=](const Finding& finding) { return near(finding.evidence.value(name, Json()), value, tolerance); };
}
std::function<bool(const Finding&)> says(const std::string& name, const std::string& text) {
    return [=](const Finding& finding) { return finding.evidence.value(name, Json()) == text; };
}

void unstable_gradient(SyntheticRun& run) {
    tail("grad_norm_std", 3, 1.5)(run);
}
void low_f1(SyntheticRun& run) {
    run.set("val_f1_macro", 0.15);
}

Change predicted_b(std::vector<int> counts) {
    return [=](SyntheticRun& run) { run.predicted_b = counts; };
}
// Total losses of the last n epochs' steps alternate around 1.
Change alternating_steps(std::size_t n, double deviation) {
    return [=](SyntheticRun& run) {
        for (std::size_t s = run.step_losses.size() - 20 * n; s < run.step_losses.size(); ++s)
            run.step_losses[s] = 1 + (s % 2 ? deviation : -deviation);
    };
}
Change patients_of_b(int patients) {
    return [=](SyntheticRun& run) {
        run.split = "patient_id,class,recordings,split\n";
        for (int p = 0; p < patients; ++p)
            run.split += fmt::format("P{},B,2,{}\n", p, p < 45 ? "train" : "val");
    };
}

const Change kStalled = all_of({whole("train_loss_classification", 1), whole("val_f1_macro", 0.6)});
const Change kFlat = all_of({whole("train_loss_total", 6), whole("val_f1_macro", 0.6)});
const char* const kBatch64Mse = "[loss.signal]\ntype = \"mse\"\n[training]\nbatch_size = 64\nepochs = 100\n";
const char* const kBatch32Mse = "[loss.signal]\ntype = \"mse\"\n[training]\nbatch_size = 32\nepochs = 100\n";

std::vector<RuleCaseTable> f1_cases() {
    return {
        {"F1_ZERO",
         "zero in one epoch",
         4,
         {2, 2},
         kNothing,
         [](SyntheticRun& run) { run.set("val_f1_macro", 2, 0.0); },
         [](SyntheticRun& run) { run.set("val_f1_macro", 2, 1e-6); },
         has("epochs_with_f1_zero", 1)},
        {"F1_ZERO",
         "only while the classification is on",
         4,
         {0, 0},
         [](SyntheticRun& run) { run.set("val_f1_macro", 0, 0.0); },
         kNothing,
         [](SyntheticRun& run) { run.set("weight_classification", 0, 0.0); },
         has("epochs", 4)},
        {"F1_NOT_ABOVE_MAJORITY",
         "margin",
         6,
         {0, 5},
         kNothing,
         whole("val_f1_macro", 0.1999),
         whole("val_f1_macro", 0.2001),
         has("best_f1_macro", 0.1999)},
        {"F1_NOT_ABOVE_MAJORITY",
         "full weight for 3 epochs",
         7,
         {0, 6},
         low_f1,
         [](SyntheticRun& run) {
             for (std::size_t e = 0; e < 4; ++e) run.set("weight_classification", e, 0.0);
         },
         [](SyntheticRun& run) {
             for (std::size_t e = 0; e < 5; ++e) run.set("weight_classification", e, 0.0);
         },
         has("epochs", 7)},
        {"F1_BEHIND_TIMELINE",
         "F1 at 5 epochs",
         5,
         {0, 4},
         whole("val_f1_macro_majority", 0),
         whole("val_f1_macro", 0.099),
         whole("val_f1_macro", 0.101),
         has("expected_f1_macro", 0.1)},
        {"F1_BEHIND_TIMELINE",
         "skill at 20 epochs",
         20,
         {0, 19},
         whole("val_f1_macro_majority", 0.18),
         whole("val_f1_macro", 0.302),
         whole("val_f1_macro", 0.304),
         has("skill", (0.302 - 0.18) / 0.82)},
        {"F1_BEHIND_TIMELINE",
         "F1 at 30 epochs",
         30,
         {0, 29},
         whole("val_f1_macro_majority", 0.1),
         whole("val_f1_macro", 0.499),
         whole("val_f1_macro", 0.501),
         has("expected_f1_macro", 0.5)},
        {"F1_BEHIND_TIMELINE",
         "not before the milestone",
         5,
         {0, 4},
         whole("val_f1_macro", 0.01),
         kNothing,
         [](SyntheticRun& run) {
             run = SyntheticRun(4);
             run.set("val_f1_macro", 0.01);
         },
         has("epochs", 5)},
    };
}

std::vector<RuleCaseTable> data_cases() {
    return {
        {"METRICS_INCOMPLETE",
         "unless declared",
         5,
         {3, 3},
         [](SyntheticRun& run) { run.set("val_loss_threshold", 3, ""); },
         kNothing,
         [](SyntheticRun& run) {
             run.data_report = R"({"absent_metrics": {"val_loss_threshold": "no labels"}})";
         },
         says("columns", "val_loss_threshold")},
        {"SPLIT_LEAK",
         "a patient in two splits",
         5,
         {0, 4},
         kNothing,
         [](SyntheticRun& run) { run.split += "P1,A,2,test\n"; },
         [](SyntheticRun& run) { run.split += "P1,A,2,train\n"; },
         says("patients", "P1")},
        {"DATA_SUSPICIOUS",
         "something is listed",
         5,
         {0, 4},
         kNothing,
         [](SyntheticRun& run) {
             run.data_report =
                 R"({"absent_metrics": {}, "suspicious": [{"kind": "zero_values", "column": "Lat",)"
                 R"( "count": 3, "what": "3 values are 0", "remedy": "name them"}]})";
         },
         [](SyntheticRun& run) { run.data_report = R"({"absent_metrics": {}, "suspicious": []})"; },
         says("zero_values Lat", "3 values are 0; name them")},
        {"CLASS_NEVER_PREDICTED",
         "3 epochs running",
         9,
         {6, 8},
         kNothing,
         predicted_b({9, 9, 9, 9, 9, 9, 0, 0, 0}),
         predicted_b({9, 9, 9, 9, 9, 0, 0, 1, 0}),
         says("classes", "B")},
        {"CLASS_NEVER_PREDICTED",
         "from 5 epochs after full weight",
         9,
         {5, 7},
         kNothing,
         predicted_b({0, 0, 0, 0, 0, 0, 0, 0, 9}),
         predicted_b({0, 0, 0, 0, 0, 0, 0, 9, 9}),
         has("support_B", 10)},
        {"CLASS_NEVER_PREDICTED",
         "with support",
         9,
         {6, 8},
         predicted_b({9, 9, 9, 9, 9, 9, 0, 0, 0}),
         kNothing,
         [](SyntheticRun& run) { run.support_b = 0; },
         says("classes", "B")},
        {"CLASS_RARE",
         "patients",
         5,
         {0, 4},
         kNothing,
         patients_of_b(29),
         patients_of_b(30),
         has("patients_B", 29)},
    };
}

std::vector<RuleCaseTable> balance_cases() {
    return {
        {"SIGNAL_DOMINATES",
         "ratio",
         5,
         {2, 4},
         whole("train_share_signal", 0.5),
         tail("train_share_classification", 3, 0.0499),
         tail("train_share_classification", 3, 0.0501),
         has("share_classification", 0.0499)},
        {"SIGNAL_DOMINATES",
         "steady",
         5,
         {2, 4},
         all_of({whole("train_share_signal", 0.5), whole("train_share_classification", 0.01)}),
         [](SyntheticRun& run) { run.set("weight_threshold", 1, 0.5); },
         [](SyntheticRun& run) { run.set("weight_threshold", 2, 0.5); },
         has("share_signal", 0.5)},
        {"LOSS_DOMINATED",
         "share",
         5,
         {2, 4},
         kNothing,
         tail("train_share_threshold", 3, 0.701),
         tail("train_share_threshold", 3, 0.699),
         says("component", "threshold")},
        {"LOSS_DOMINATED",
         "3 components on",
         5,
         {2, 4},
         all_of({tail("train_share_signal", 3, 0.8), whole("weight_threshold", 0),
                 whole("weight_peak_exist", 0), whole("weight_peak_latency", 0)}),
         kNothing,
         whole("weight_peak_amplitude", 0),
         has("balanced_share", 1.0 / 3)},
        {"CLASSIFICATION_SLOWER_THAN_SIGNAL",
         "1 % an epoch",
         6,
         {1, 5},
         geometric("train_loss_signal", 1, 0.95),
         geometric("train_loss_classification", 1, 0.989),
         geometric("train_loss_classification", 1, 0.991),
         has("classification_relative_slope", -0.011, 1e-4)},
        {"CLASSIFICATION_SLOWER_THAN_SIGNAL",
         "signal faster",
         6,
         {1, 5},
         geometric("train_loss_signal", 1, 0.95),
         geometric("train_loss_classification", 1, 0.951),
         geometric("train_loss_classification", 1, 0.949),
         has("signal_relative_slope", -0.0513, 1e-3)},
    };
}

std::vector<RuleCaseTable> progress_cases() {
    return {
        {"CLASSIFICATION_STALLED",
         "slope",
         6,
         {1, 5},
         kStalled,
         kNothing,
         geometric("train_loss_classification", 1, 0.9999),
         has("slope", 0)},
        {"CLASSIFICATION_STALLED",
         "F1 gain",
         6,
         {1, 5},
         kStalled,
         tail("val_f1_macro", 1, 0.6049),
         tail("val_f1_macro", 1, 0.6051),
         has("f1_gain", 0.0049)},
        {"CLASSIFICATION_STALLED",
         "rate",
         6,
         {1, 5},
         kStalled,
         whole("learning_rate", 1.01e-5),
         whole("learning_rate", 0.99e-5),
         has("learning_rate", 1.01e-5)},
        {"CLASSIFICATION_STALLED",
         "no restart in the window",
         7,
         {2, 6},
         kStalled,
         [](SyntheticRun& run) { run.set("learning_rate", 1, 1e-4); },
         [](SyntheticRun& run) { run.set("learning_rate", 2, 1e-4); },
         has("f1_gain", 0)},
        {"PLATEAU",
         "change",
         6,
         {1, 5},
         kFlat,
         tail("train_loss_total", 1, 6 * 0.9901),
         tail("train_loss_total", 1, 6 * 0.9899),
         has("change", 0.0099)},
        {"PLATEAU",
         "F1 gain",
         6,
         {1, 5},
         kFlat,
         tail("val_f1_macro", 1, 0.6049),
         tail("val_f1_macro", 1, 0.6051),
         has("change", 0)},
        {"PLATEAU",
         "rate",
         6,
         {1, 5},
         kFlat,
         whole("learning_rate", 1.01e-5),
         whole("learning_rate", 0.99e-5),
         has("learning_rate", 1.01e-5)},
        {"OVERFITTING",
         "rise",
         8,
         {0, 7},
         geometric("val_loss_total", 1, 1.0),
         tail("val_loss_total", 1, 1.021),
         tail("val_loss_total", 1, 1.019),
         has("val_loss_total", 1.021)},
        {"OVERFITTING",
         "training falls",
         8,
         {0, 7},
         geometric("val_loss_total", 1, 1.01),
         kNothing,
         geometric("train_loss_total", 6, 1.01),
         has("best_epoch", 0)},
    };
}

std::vector<RuleCaseTable> stability_cases() {
    return {
        {"LOSS_NOT_FINITE",
         "first step and column",
         3,
         {2, 2},
         kNothing,
         [](SyntheticRun& run) { run.bad_step = 47; },
         kNothing,
         has("step", 47)},
        {"LOSS_NOT_FINITE",
         "an epoch's mean",
         3,
         {1, 1},
         kNothing,
         [](SyntheticRun& run) { run.set("val_loss_signal", 1, "inf"); },
         [](SyntheticRun& run) { run.set("val_loss_signal", 1, "1e300"); },
         says("column", "val_loss_signal")},
        {"LOSS_VARIANCE_HIGH",
         "component",
         5,
         {2, 4},
         config(kBatch64Mse),
         all_of({whole("train_loss_signal", 1), tail("train_loss_signal_std", 3, 0.81)}),
         all_of({whole("train_loss_signal", 1), tail("train_loss_signal_std", 3, 0.79)}),
         has("std_over_mean", 0.81)},
        {"LOSS_VARIANCE_HIGH",
         "MSE at few recordings",
         5,
         {2, 4},
         config(kBatch32Mse),
         all_of({whole("train_loss_signal", 1), tail("train_loss_signal_std", 3, 1.21)}),
         all_of({whole("train_loss_signal", 1), tail("train_loss_signal_std", 3, 1.19)}),
         has("limit", 1.2)},
        {"LOSS_VARIANCE_HIGH",
         "focal",
         5,
         {2, 4},
         config("[loss]\nfocal_gamma = 2.0\n"),
         all_of({whole("train_loss_classification", 1), tail("train_loss_classification_std", 3, 1.21)}),
         all_of({whole("train_loss_classification", 1), tail("train_loss_classification_std", 3, 1.19)}),
         has("limit", 1.2)},
        {"LOSS_VARIANCE_HIGH",
         "total of the steps",
         5,
         {2, 4},
         kNothing,
         alternating_steps(3, 0.51),
         alternating_steps(3, 0.49),
         says("column", "train_loss_total")},
        {"LOSS_VARIANCE_HIGH",
         "3 epochs",
         5,
         {2, 4},
         kNothing,
         alternating_steps(3, 0.9),
         alternating_steps(2, 0.9),
         has("epochs_above", 3)},
        {"LOSS_VARIANCE_HIGH",
         "from the 3rd",
         5,
         {2, 4},
         alternating_steps(5, 0.9),
         kNothing,
         [](SyntheticRun& run) {
             run = SyntheticRun(4);
             alternating_steps(4, 0.9)(run);
         },
         has("epochs_above", 3)},
        {"LOSS_VARIANCE_HIGH",
         "20 steps",
         5,
         {2, 4},
         alternating_steps(3, 0.9),
         kNothing,
         [](SyntheticRun& run) { run.step_losses.resize(19 * 5); },
         has("epochs_above", 3)},
        {"GRADIENT_UNSTABLE",
         "spread",
         4,
         {1, 3},
         kNothing,
         tail("grad_norm_std", 3, 1.01),
         tail("grad_norm_std", 3, 0.99),
         has("std_over_mean", 1.01)},
        {"GRADIENT_UNSTABLE",
         "after the first epoch",
         4,
         {1, 3},
         tail("grad_norm_std", 4, 1.5),
         kNothing,
         [](SyntheticRun& run) {
             run = SyntheticRun(3);
             tail("grad_norm_std", 3, 1.5)(run);
         },
         has("epochs_of_spread", 3)},
        {"GRADIENT_UNSTABLE",
         "peaks",
         6,
         {4, 5},
         kNothing,
         tail("grad_norm_max", 2, 10.1),
         tail("grad_norm_max", 2, 9.9),
         has("max_over_usual", 10.1)},
        {"GRADIENT_UNSTABLE",
         "peaks from the 4th epoch",
         5,
         {3, 4},
         kNothing,
         tail("grad_norm_max", 2, 10.1),
         [](SyntheticRun& run) {
             run = SyntheticRun(4);
             tail("grad_norm_max", 2, 10.1)(run);
         },
         has("epochs_of_peaks", 2)},
        // The usual norm of epoch 4 is the median of the means in 1, 2 and 3.
        {"GRADIENT_UNSTABLE",
         "the 3 epochs before",
         6,
         {4, 5},
         tail("grad_norm_max", 2, 25),
         [](SyntheticRun& run) {
             for (const std::size_t e : {0, 1}) run.set("grad_norm_mean", e, 3);
         },
         [](SyntheticRun& run) {
             for (const std::size_t e : {1, 2}) run.set("grad_norm_mean", e, 3);
         },
         has("max_over_usual", 25)},
        {"GRADIENT_UNSTABLE",
         "peaks in 2 epochs",
         6,
         {4, 5},
         kNothing,
         tail("grad_norm_max", 2, 11),
         tail("grad_norm_max", 1, 11),
         has("epochs_of_peaks", 2)},
        {"GRADIENT_VANISHING",
         "norm",
         5,
         {3, 4},
         kNothing,
         tail("grad_norm_mean", 2, 0.99e-6),
         tail("grad_norm_mean", 2, 1.01e-6),
         has("epochs_below", 2)},
        {"GRADIENT_VANISHING",
         "2 epochs",
         5,
         {3, 4},
         kNothing,
         tail("grad_norm_mean", 2, 1e-7),
         tail("grad_norm_mean", 1, 1e-7),
         has("grad_norm_mean", 1e-7)},
        {"LOSS_HIGH",
         "total",
         5,
         {3, 4},
         kNothing,
         tail("train_loss_total", 2, 10.1),
         tail("train_loss_total", 2, 9.9),
         has("train_loss_total", 10.1)},
        {"LOSS_HIGH",
         "from the 2nd epoch",
         3,
         {1, 2},
         whole("train_loss_total", 11),
         kNothing,
         [](SyntheticRun& run) { run.set("train_loss_total", 2, 5); },
         has("train_loss_total", 11)},
    };
}

std::vector<RuleCaseTable> setting_cases() {
    return {
        {"LEARNING_RATE_HIGH",
         "rate",
         5,
         {2, 4},
         unstable_gradient,
         config("[optimizer]\nlearning_rate = 1.01e-3\n"),
         config("[optimizer]\nlearning_rate = 1e-3\n"),
         has("learning_rate", 1.01e-3)},
        {"LEARNING_RATE_HIGH",
         "warm-up",
         5,
         {2, 4},
         unstable_gradient,
         config("[optimizer]\nlearning_rate = 0.1\n"),
         config("[optimizer]\nlearning_rate = 0.1\n[schedule]\nwarmup_epochs = 1\n"),
         says("together_with", "GRADIENT_UNSTABLE")},
        {"LEARNING_RATE_HIGH",
         "together",
         5,
         {2, 4},
         config("[optimizer]\nlearning_rate = 0.1\n"),
         unstable_gradient,
         kNothing,
         has("limit", 1e-3)},
        {"BATCH_SMALL",
         "recordings a step",
         5,
         {2, 4},
         unstable_gradient,
         config("[training]\nbatch_size = 5\naccumulation = 3\n"),
         config("[training]\nbatch_size = 8\naccumulation = 2\n"),
         has("recordings_a_step", 15)},
        {"BATCH_SMALL",
         "together",
         5,
         {2, 4},
         config("[training]\nbatch_size = 5\n"),
         unstable_gradient,
         kNothing,
         says("together_with", "GRADIENT_UNSTABLE")},
        {"CLASSIFICATION_WEIGHT_LOW",
         "weight",
         6,
         {0, 5},
         low_f1,
         config("[loss.weights]\nclassification = 0.99\n"),
         config("[loss.weights]\nclassification = 1.0\n"),
         has("final_weight", 0.99)},
        {"CLASSIFICATION_WEIGHT_LOW",
         "together",
         6,
         {0, 5},
         config("[loss.weights]\nclassification = 0.1\n"),
         low_f1,
         kNothing,
         says("together_with", "F1_NOT_ABOVE_MAJORITY")},
        {"CLASSIFICATION_STARTS_LATE",
         "start",
         6,
         {0, 5},
         low_f1,
         config("[curriculum]\nclass_start = 3\n"),
         config("[curriculum]\nclass_start = 2\n"),
         has("first_epoch_with_weight", 3)},
        {"CLASSIFICATION_STARTS_LATE",
         "together",
         6,
         {0, 5},
         config("[curriculum]\nclass_start = 3\n"),
         low_f1,
         kNothing,
         has("first_epoch_with_weight", 3)},
    };
}

void check(const std::vector<RuleCaseTable>& cases) {
    for (const RuleCaseTable& one : cases) {
        CAPTURE(one.rule);
        CAPTURE(one.what);
        SyntheticRun fires(one.epochs), silent(one.epochs);
        one.before(fires);
        one.before(silent);
        one.fires(fires);
        one.silent(silent);
        const Diagnosis fired = fires.diagnosis();
        CHECK(not_judged(fired, one.rule) == "");
        const Finding* finding = find(fired, one.rule);
        REQUIRE(finding != nullptr);
        CAPTURE(finding->evidence.dump());
        CHECK(one.evidence(*finding));
        CHECK(finding->first_epoch == one.during.first);
        CHECK(finding->last_epoch == one.during.second);
        const Diagnosis other = silent.diagnosis();
        CHECK(not_judged(other, one.rule) == "");
        CHECK(find(other, one.rule) == nullptr);
    }
}

}  // namespace

TEST_CASE("rules on the F1 fire at their thresholds, and just beside them not") {
    check(f1_cases());
}
TEST_CASE("rules on the data fire at their thresholds, and just beside them not") {
    check(data_cases());
}
TEST_CASE("rules on the balance of the losses fire at their thresholds, and just beside them not") {
    check(balance_cases());
}
TEST_CASE("rules on progress fire at their thresholds, and just beside them not") {
    check(progress_cases());
}
TEST_CASE("rules on stability fire at their thresholds, and just beside them not") {
    check(stability_cases());
}
TEST_CASE("rules on settings fire at their thresholds, and just beside them not") {
    check(setting_cases());
}

TEST_CASE("every rule has a case in which it fires and one in which it is silent") {
    std::set<std::string> tested;
    for (const auto& cases :
         {f1_cases(), data_cases(), balance_cases(), progress_cases(), stability_cases(), setting_cases()})
        for (const RuleCaseTable& one : cases) tested.insert(one.rule);
    for (const Rule& rule : diagnostic_rules()) CHECK_MESSAGE(tested.contains(std::string(rule.id)), rule.id);
}

}  // namespace abr
