// Rules on classes, splits and the completeness of the tables.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/data/random_sequence.hpp"
#include "engine/rules/advice.hpp"
#include "engine/rules/epoch_columns.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

constexpr std::size_t kMostNamed = 5;  // columns, patients or classes in one finding

std::string first_few(const std::vector<std::string>& names) {
    const std::size_t shown = std::min(names.size(), kMostNamed);
    const std::string text =
        fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    return shown < names.size() ? fmt::format("{} and {} more", text, names.size() - shown) : text;
}

std::optional<Finding> metrics_incomplete(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const Json& declared = rule.run.data_report.object("absent_metrics");
    std::vector<std::string> incomplete;
    std::size_t first = epochs.done(), last = 0;
    for (const std::string& column : rule.run.epochs.columns()) {
        const bool metric = column.starts_with("val_") || column.starts_with("train_loss_") ||
                            column.starts_with("grad_norm_");
        if (!metric || declared.contains(column)) continue;
        const auto cells = rule.run.epochs.numbers(column).subspan(rule.run.stage_row());
        const auto empty = std::ranges::find_if(cells, [](const auto& cell) { return !cell; });
        if (empty == cells.end()) continue;
        incomplete.push_back(column);
        first = std::min(first, static_cast<std::size_t>(empty - cells.begin()));
        for (std::size_t row = first; row < cells.size(); ++row) {
            if (!cells[row]) last = std::max(last, row);
        }
    }
    if (incomplete.empty()) return std::nullopt;
    Finding finding = rule.finding(first, last);
    finding.evidence["columns"] = first_few(incomplete);
    finding.evidence["incomplete_columns"] = incomplete.size();
    return finding;
}

std::optional<Finding> split_leak(const RuleCase& rule) {
    const auto patients = rule.run.split.texts("patient_id"), splits = rule.run.split.texts("split");
    std::map<std::string, std::set<std::string>> by_patient;
    for (std::size_t row = 0; row < patients.size(); ++row) by_patient[patients[row]].insert(splits[row]);
    std::vector<std::string> leaking;
    for (const auto& [patient, in] : by_patient) {
        if (in.size() > 1) leaking.push_back(patient);
    }
    if (leaking.empty()) return std::nullopt;
    Finding finding = rule.finding();
    finding.evidence["patients"] = first_few(leaking);
    finding.evidence["patients_in_two_splits"] = leaking.size();
    finding.evidence["splits_of_the_first"] = fmt::format("{}", fmt::join(by_patient[leaking.front()], ", "));
    return finding;
}

std::optional<Finding> data_suspicious(const RuleCase& rule) {
    const Json& report = rule.run.data_report.get();
    const auto found = report.find("suspicious");  // reports of earlier versions have none
    if (found == report.end() || !found->is_array() || found->empty()) return std::nullopt;
    Finding finding = rule.finding();
    for (const Json& suspicion : *found) {
        if (!suspicion.is_object()) throw NotJudged("data_report.json: `suspicious` is no list of objects");
        const auto text = [&](const char* member) {
            const auto value = suspicion.find(member);
            return value != suspicion.end() && value->is_string() ? value->get<std::string>()
                                                                  : std::string("?");
        };
        finding.evidence[fmt::format("{} {}", text("kind"), text("column"))] =
            fmt::format("{}; {}", text("what"), text("remedy"));
    }
    return finding;
}

// One class in the validation report, epoch by epoch.
struct ClassRow {
    double epoch = 0, support = 0, predicted = 0;
};

std::map<std::string, std::vector<ClassRow>> validation_by_class(const RunTable& report) {
    const auto epoch = report.numbers("epoch"), support = report.numbers("support"),
               predicted = report.numbers("predicted");
    const auto split = report.texts("split"), name = report.texts("class");
    std::map<std::string, std::vector<ClassRow>> classes;
    for (std::size_t row = 0; row < report.rows(); ++row) {
        if (split[row] != "val") continue;
        if (!epoch[row] || !support[row] || !predicted[row])
            throw NotJudged("classification_report.csv has an empty cell");
        classes[name[row]].push_back({*epoch[row], *support[row], *predicted[row]});
    }
    return classes;
}

std::optional<Finding> class_never_predicted(const RuleCase& rule) {
    const EpochColumns epochs(rule.run);
    const auto full = epochs.full_weight_since(Component::classification);
    const auto by_class = validation_by_class(rule.run.classification_report);
    if (!full) return std::nullopt;
    const double from = epochs.value("epoch", *full) + static_cast<double>(rule.count("after_full_weight"));
    std::vector<std::string> never;
    Json support = Json::object();
    double first = 0, last = 0;
    for (const auto& [name, rows] : by_class) {
        std::size_t running = 0;
        for (const ClassRow& row : rows) {
            const bool missed = row.epoch >= from && row.support > 0 && row.predicted == 0;
            running = missed ? running + 1 : 0;
            if (running < rule.count("epochs")) continue;
            if (never.empty() || never.back() != name) never.push_back(name);
            first =
                never.size() == 1 && support.empty() ? row.epoch - static_cast<double>(running) + 1 : first;
            last = std::max(last, row.epoch);
            support["support_" + name] = row.support;
        }
    }
    if (never.empty()) return std::nullopt;
    Finding finding = rule.finding();
    finding.first_epoch = static_cast<std::int64_t>(first);
    finding.last_epoch = static_cast<std::int64_t>(last);
    finding.evidence["classes"] = first_few(never);
    finding.evidence.update(support);
    advise_class_weights(rule, finding);
    return finding;
}

struct Counts {
    std::int64_t both = 0, truly = 0, predicted = 0;  // recordings of one class
    void add(const Counts& other) {
        both += other.both;
        truly += other.truly;
        predicted += other.predicted;
    }
    double f1() const {
        const std::int64_t sum = truly + predicted;
        return sum == 0 ? 0 : 2 * static_cast<double>(both) / static_cast<double>(sum);
    }
};

// Counts of one class, a patient each.
std::vector<Counts> counts_by_patient(const RunTable& predictions, const std::string& name) {
    const auto patient = predictions.texts("patient_id"), is = predictions.texts("class_true"),
               said = predictions.texts("class_predicted");
    std::map<std::string, Counts> counts;
    for (std::size_t row = 0; row < predictions.rows(); ++row) {
        if (is[row].empty()) continue;
        const bool truly = is[row] == name, predicted = said[row] == name;
        counts[patient[row]].add({truly && predicted, truly, predicted});
    }
    std::vector<Counts> result;
    for (const auto& [id, count] : counts) result.push_back(count);
    return result;
}

struct Interval {
    double low = 0, high = 0;
};

// Percentile bootstrap over patients (Efron 1979): the recordings of one patient are not independent.
Interval bootstrap_f1(const std::vector<Counts>& patients, std::size_t replicates, double level,
                      std::uint64_t seed) {
    RandomSequence random(seed);
    std::vector<double> f1(replicates);
    for (double& value : f1) {
        Counts sum;
        for (std::size_t i = 0; i < patients.size(); ++i)
            sum.add(patients[random.below(static_cast<std::uint32_t>(patients.size()))]);
        value = sum.f1();
    }
    std::ranges::sort(f1);
    const auto at = [&](double quantile) {
        return f1[static_cast<std::size_t>(std::lround(quantile * static_cast<double>(replicates - 1)))];
    };
    return {at((1 - level) / 2), at((1 + level) / 2)};
}

std::optional<Finding> class_rare(const RuleCase& rule) {
    const auto classes = rule.run.split.texts("class");
    std::map<std::string, std::size_t> patients;
    for (const std::string& name : classes) {
        if (!name.empty()) ++patients[name];
    }
    const auto most = rule.setting("patients");
    std::erase_if(patients, [&](const auto& entry) { return static_cast<double>(entry.second) >= most; });
    if (patients.empty()) return std::nullopt;
    std::optional<Finding> finding;
    for (const auto& [name, number] : patients) {
        const auto counts = counts_by_patient(rule.run.predictions_val, name);
        if (counts.empty()) throw NotJudged("predictions_val.csv has no recording with a class");
        if (!finding) finding = rule.finding();
        Counts all;
        for (const Counts& count : counts) all.add(count);
        const Interval interval = bootstrap_f1(counts, rule.count("replicates"), rule.setting("level"),
                                               static_cast<std::uint64_t>(rule.setting("seed")));
        finding->evidence["patients_" + name] = number;
        finding->evidence["patients_val_" + name] =
            std::ranges::count_if(counts, [](const Counts& count) { return count.truly > 0; });
        finding->evidence["f1_" + name] = all.f1();
        finding->evidence["f1_low_" + name] = interval.low;
        finding->evidence["f1_high_" + name] = interval.high;
    }
    return finding;
}

}  // namespace

std::vector<Rule> data_rules() {
    return {
        {.id = "METRICS_INCOMPLETE",
         .severity = Severity::critical,
         .settings = {},
         .reads = "epochs, data_report",
         .fires_when = "a metric of a completed epoch is empty (`val_…`, `train_loss_…`, `grad_norm_…`) and "
                       "data_report.json does not declare it absent",
         .meaning =
             "A metric that should have been measured was not. Nothing that is built on it can be trusted.",
         .advice =
             "If the file was edited, restore it. The correlation and the SNR gain are also empty where the "
             "network "
             "restores a constant: then it is broken. Anything else is a fault of the engine: report it with "
             "the run folder.",
         .caused_by = {"LOSS_NOT_FINITE", "GRADIENT_UNSTABLE"},
         .judge = metrics_incomplete},
        {.id = "SPLIT_LEAK",
         .severity = Severity::critical,
         .settings = {},
         .reads = "split",
         .fires_when = "a patient stands in two splits",
         .meaning =
             "The network is measured on patients that it was trained on: every figure of this run is too "
             "good.",
         .advice =
             "Correct the file that data.split_file names, or leave that key out and let the engine split by "
             "patients; then train anew.",
         .caused_by = {},
         .judge = split_leak},
        {.id = "DATA_SUSPICIOUS",
         .severity = Severity::warning,
         .settings = {},
         .reads = "data_report",
         .fires_when = "data_report.json lists something that could be read but looks wrong",
         .meaning = "The network learns what the file says: codes, wrong units, copies and mixed-up patients "
                    "as well.",
         .advice = "Look at the places with abr_engine check-data, correct the file or say in [data] what it "
                   "means, "
                   "and train anew.",
         .caused_by = {},
         .judge = data_suspicious},
        {.id = "CLASS_NEVER_PREDICTED",
         .severity = Severity::warning,
         .settings = {{"epochs", 3, "epochs running without a prediction", true},
                      {"after_full_weight", 5, "epochs after the classification's full weight", true}},
         .reads = "classification_report, epochs",
         .fires_when =
             "a class with support in the validation split is predicted 0 times in 3 epochs running, from "
             "5 epochs after full classification weight",
         .meaning =
             "To this network the class does not exist: its recall is 0, whatever the other scores say.",
         .advice =
             "Weigh the classes by their rarity, as far as the rarest then weighs ten times the commonest; "
             "if that is in use, fully, and after that the class-balanced sampler.",
         .caused_by = {"LOSS_NOT_FINITE", "CLASSIFICATION_WEIGHT_LOW", "CLASSIFICATION_STARTS_LATE",
                       "SIGNAL_DOMINATES", "LEARNING_RATE_HIGH", "GRADIENT_UNSTABLE", "GRADIENT_VANISHING",
                       "LOSS_DOMINATED"},
         .judge = class_never_predicted},
        {.id = "CLASS_RARE",
         .severity = Severity::info,
         .settings = {{"patients", 30, "patients of a class below which it is rare", true},
                      {"level", 0.95, "coverage of the interval", false, 0, 1},
                      {"replicates", 1000, "draws of the bootstrap", true, 1, 100000},
                      {"seed", 1, "its seed", true}},
         .reads = "split, predictions_val",
         .fires_when =
             "a class has fewer than 30 patients in the three splits; the 95 % interval of its F1 is given, "
             "by a seeded bootstrap of the validation patients",
         .meaning = "Its F1 hangs on a handful of patients: differences within the interval mean nothing.",
         .advice = "Compare settings by several seeds, and collect more patients of the class.",
         .caused_by = {},
         .judge = class_rare},
    };
}

}  // namespace abr
