// How findings are grouped, what they advise, and how they are written.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>

#include "engine/diagnostics/report.hpp"
#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"
#include "engine/keys/read_run.hpp"
#include "engine/rules/rules.hpp"
#include "tests/engine/synthetic_run.hpp"

namespace abr {
namespace {

using namespace test;

std::vector<std::string> names(const std::vector<Finding>& findings) {
    std::vector<std::string> result;
    for (const Finding& finding : findings) result.push_back(finding.rule);
    return result;
}

Finding made(const std::string& rule) {
    Finding finding;
    finding.rule = rule;
    finding.severity = std::ranges::find(diagnostic_rules(), rule, &Rule::id)->severity;
    return finding;
}

const ConfigChange* change_of(const Finding& finding, const std::string& key) {
    const auto found = std::ranges::find(finding.changes, key, &ConfigChange::key);
    return found == finding.changes.end() ? nullptr : &*found;
}

TEST_CASE("rules have names of their own, causes that exist, and no cause causes itself") {
    std::map<std::string_view, const Rule*> rules;
    for (const Rule& rule : diagnostic_rules()) CHECK_MESSAGE(rules.emplace(rule.id, &rule).second, rule.id);
    const std::function<bool(std::string_view, std::string_view)> leads_to = [&](std::string_view from,
                                                                                 std::string_view to) {
        return std::ranges::any_of(rules.at(from)->caused_by, [&](std::string_view cause) {
            REQUIRE_MESSAGE(rules.contains(cause), cause);
            return cause == to || leads_to(cause, to);
        });
    };
    for (const Rule& rule : diagnostic_rules()) CHECK_MESSAGE(!leads_to(rule.id, rule.id), rule.id);
    for (const Rule& rule : diagnostic_rules())
        for (const RuleSetting& setting : rule.settings)
            CHECK(find_key(split_path(setting_key(rule, setting))) != nullptr);
}

TEST_CASE("a cause stands before what it causes, unrelated findings severe first") {
    const auto ordered = grouped({made("F1_NOT_ABOVE_MAJORITY"), made("CLASS_RARE"), made("OVERFITTING"),
                                  made("SIGNAL_DOMINATES"), made("LOSS_DOMINATED"), made("SPLIT_LEAK")});
    CHECK(names(ordered) == std::vector<std::string>{"SIGNAL_DOMINATES", "F1_NOT_ABOVE_MAJORITY",
                                                     "LOSS_DOMINATED", "SPLIT_LEAK", "OVERFITTING",
                                                     "CLASS_RARE"});
    CHECK(ordered[1].caused_by == "SIGNAL_DOMINATES");
    CHECK(ordered[2].caused_by == "SIGNAL_DOMINATES");
    CHECK(ordered[3].caused_by == "");
}

TEST_CASE("a dominating component is advised the weight that balances it in this run") {
    SyntheticRun run(5);
    run.set("train_share_threshold", 0.8);
    run.config = "[loss.weights]\nthreshold = 3.0\n";
    const Finding finding = *find(run.diagnosis(), "LOSS_DOMINATED");
    const ConfigChange* change = change_of(finding, "loss.weights.threshold");
    REQUIRE(change != nullptr);
    CHECK(change->from == 3.0);
    // 0.8 of the total against 0.2 of five others: equal to their mean at 3 * (0.2 / 5) / 0.8.
    CHECK(change->to == 0.15);
}

TEST_CASE("class weights are advised by the rarity in this run's training split") {
    SyntheticRun run(9);
    run.predicted_b = {9, 9, 9, 9, 9, 9, 0, 0, 0};
    Finding finding = *find(run.diagnosis(), "CLASS_NEVER_PREDICTED");
    CHECK(change_of(finding, "loss.class_weights")->from == "none");
    CHECK(change_of(finding, "loss.class_weights")->to == "balanced");
    CHECK(change_of(finding, "loss.class_weight_power")->to == 0.5);  // 900 : 9, so that 100^0.5 = 10
    run.config = "[loss]\nclass_weights = \"balanced\"\n";
    finding = *find(run.diagnosis(), "CLASS_NEVER_PREDICTED");
    CHECK(change_of(finding, "loss.class_weights") == nullptr);
    CHECK(change_of(finding, "training.sampler")->to == "balanced");
}

TEST_CASE("every advised line is a valid line of a configuration") {
    SyntheticRun run(9);
    run.set("val_f1_macro", 0.0);
    run.set("grad_norm_std", 2);
    run.set("train_share_signal", 0.9);
    run.set("train_share_classification", 0.001);
    run.set("train_loss_total", 20);
    run.predicted_b = std::vector<int>(9, 0);
    run.config =
        "[loss.weights]\nclassification = 0.2\n[optimizer]\nlearning_rate = 0.5\n[training]\nbatch_size = "
        "4\n";
    const Diagnosis diagnosis = run.diagnosis();
    CHECK(diagnosis.findings.size() >= 8);
    std::size_t changes = 0;
    for (const Finding& finding : diagnosis.findings) {
        std::vector<std::string> set;
        for (const ConfigChange& change : finding.changes) {
            const std::string value = change.to.is_string() ? change.to.get<std::string>() : change.to.dump();
            set.push_back(change.key + "=" + value);
            CHECK_MESSAGE(change.from != change.to, change.key);
        }
        CAPTURE(finding.rule);
        const TemporaryFolder folder;
        put(folder.path / "config.toml", run.config);
        CHECK_NOTHROW(load_config(folder.path / "config.toml", set));
        changes += set.size();
    }
    CHECK(changes >= 8);
}

TEST_CASE("the numbers of the rules are settings of the run") {
    SyntheticRun run(5);
    run.set("grad_norm_mean", 1e-7);
    CHECK(find(run.diagnosis(), "GRADIENT_VANISHING") != nullptr);
    run.config = "[diagnostics.gradient_vanishing]\nnorm = 1e-8\n";
    CHECK(find(run.diagnosis(), "GRADIENT_VANISHING") == nullptr);
    run.config = "[diagnostics.gradient_vanishing]\nepochs = 6\n";
    CHECK(find(run.diagnosis(), "GRADIENT_VANISHING") == nullptr);
}

TEST_CASE("a plateau is only told once the F1 is on time and half the epochs are done") {
    SyntheticRun run(6);
    run.set("train_loss_total", 6);
    run.set("val_f1_macro", 0.6);
    run.config = "[training]\nepochs = 12\n";
    CHECK(find(run.diagnosis(), "PLATEAU")->severity == Severity::warning);
    run.config = "[training]\nepochs = 11\n";
    CHECK(find(run.diagnosis(), "PLATEAU")->severity == Severity::info);
    run.set("val_f1_macro", 0.05);
    CHECK(find(run.diagnosis(), "PLATEAU")->severity == Severity::warning);
}

TEST_CASE("the interval of a rare class is seeded and holds its F1") {
    SyntheticRun run(5);
    run.config = "[diagnostics.class_rare]\npatients = 31\n";
    const Finding first = *find(run.diagnosis(), "CLASS_RARE"), second = *find(run.diagnosis(), "CLASS_RARE");
    CHECK(first.evidence == second.evidence);
    // Of B's ten recordings eight are answered with B, and none of A's: 2 * 8 / (10 + 8).
    CHECK(first.evidence["f1_B"].get<double>() == doctest::Approx(16.0 / 18));
    CHECK(first.evidence["f1_low_B"] < first.evidence["f1_B"]);
    CHECK(first.evidence["f1_high_B"] > first.evidence["f1_B"]);
}

TEST_CASE("diagnostics.json holds the members of the contract, and NaN becomes null") {
    SyntheticRun run(6);
    run.set("val_f1_macro", 0.15);
    run.step_losses[9] = std::numeric_limits<double>::quiet_NaN();
    run.bad_step = 10;
    run.remove("grad_norm_std");
    const TemporaryFolder folder;
    run.write(folder.path);
    write_diagnosis(folder.path, diagnose(read_run(folder.path)));
    const Json json = Json::parse(content(folder.path / "diagnostics.json"));
    CHECK(json["schema_version"] == 1);
    CHECK(json["run"] == folder.path.filename().string());
    CHECK(json["epochs"] == 6);
    CHECK(json["verdict"] == "critical");
    for (const Json& finding : json["findings"]) {
        for (const char* member :
             {"rule", "severity", "epochs", "evidence", "meaning", "advice", "caused_by"})
            CHECK_MESSAGE(finding.contains(member), member);
        CHECK(finding["epochs"].size() == 2);
        CHECK(finding["advice"]["text"].is_string());
        CHECK_FALSE(finding["meaning"].get<std::string>().empty());
        for (const Json& line : finding["advice"]["toml"]) CHECK(line.size() == 3);
    }
    CHECK(json["findings"][0]["rule"] == "LOSS_NOT_FINITE");
    CHECK(json["findings"][0]["evidence"]["column"] == "loss_total");
    CHECK(json["not_judged"][0]["rule"] == "GRADIENT_UNSTABLE");
    const std::string page = content(folder.path / "diagnostics.md");
    CHECK(contains(page, "## LOSS_NOT_FINITE (critical)"));
    CHECK(contains(page, "optimizer.learning_rate = 0.0001  # was 0.001"));
}

TEST_CASE("advice stays within a key's range, and leaves out what the run has already") {
    SyntheticRun run(9);
    run.set("val_f1_macro", 0.15);
    run.set("train_share_classification", 0.001);
    run.config =
        "[loss]\nclass_weights = \"balanced\"\nclass_weight_power = 0.2\nweights.classification = 900000\n";
    const Diagnosis diagnosis = run.diagnosis();
    const Finding* finding = find(diagnosis, "F1_NOT_ABOVE_MAJORITY");
    REQUIRE(finding);
    CHECK(change_of(*finding, "loss.class_weights") == nullptr);
    REQUIRE(change_of(*finding, "loss.class_weight_power"));
    CHECK(change_of(*finding, "loss.class_weight_power")->from == 0.2);
    REQUIRE(change_of(*finding, "loss.weights.classification"));
    CHECK(change_of(*finding, "loss.weights.classification")->from == 900000);
    CHECK(change_of(*finding, "loss.weights.classification")->to == 1e6);
}

TEST_CASE("the first finding's advice becomes --set arguments, text without quotes") {
    Finding first, second;
    first.changes = {{"optimizer.learning_rate", 0.1, 0.0001}, {"training.sampler", "shuffle", "balanced"}};
    second.changes = {{"training.batch_size", 4, 32}};
    Diagnosis diagnosis;
    CHECK(as_set_arguments(diagnosis) == "");
    diagnosis.findings = {first, second};
    CHECK(as_set_arguments(diagnosis) ==
          "--set optimizer.learning_rate=0.0001 --set training.sampler=balanced");
    diagnosis.findings = {Finding(), second};
    CHECK(as_set_arguments(diagnosis) == "");
}

TEST_CASE("200 epochs of 500 steps are judged in less than a second") {
    SyntheticRun run(200);
    run.step_losses.assign(200 * 500, 1.0);
    const TemporaryFolder folder;
    run.write(folder.path);
    const auto start = std::chrono::steady_clock::now();
    CHECK(diagnose(read_run(folder.path)).epochs == 200);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    CHECK(seconds.count() < 1);
}

TEST_CASE("docs/diagnostics.md ends with the rules of the program") {
    const std::string page = content(ABR_SOURCE_DIR "/docs/diagnostics.md");
    const std::string marker = "<!-- generated by abr_engine diagnose --docs -->\n";
    const std::size_t begin = page.find(marker);
    REQUIRE(begin != std::string::npos);
    CHECK(page.substr(begin + marker.size()) == rule_reference());
}

}  // namespace
}  // namespace abr
