#include "engine/diagnostics/diagnose.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

#include "engine/keys/keys.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

constexpr std::string_view kHealthy = "HEALTHY";

Severity worst(const std::vector<Finding>& findings) {
    Severity severity = Severity::info;
    for (const Finding& finding : findings) severity = std::max(severity, finding.severity);
    return severity;
}

// The advice with the values of the run, or of its stage under way, within the keys' ranges, without what
// would change nothing.
std::vector<ConfigChange> completed(std::vector<ConfigChange> advised, const RecordedRun& run) {
    std::vector<ConfigChange> changes;
    for (ConfigChange& change : advised) {
        const Key* key = find_key(split_path(change.key));
        if (!key) throw std::logic_error("advice for an unknown key " + change.key);
        if (change.to.is_number_float())
            change.to = std::clamp(change.to.get<double>(), key->range.low, key->range.high);
        if (run.has_config()) change.from = Json::parse(value_text(*key, run.config()), nullptr, false);
        if (change.from == change.to) continue;
        if (run.has_config() && whole_run_reason(*key).empty())
            change.key = path_in_stage(run.config().stage.name, change.key);
        changes.push_back(std::move(change));
    }
    return changes;
}

Finding healthy(const RecordedRun& run) {
    Finding finding;
    finding.rule = kHealthy;
    finding.last_epoch = static_cast<std::int64_t>(run.epochs.rows()) - 1;
    finding.evidence["epochs"] = run.epochs.rows();
    finding.advice = "Nothing to change.";
    return finding;
}

}  // namespace

std::string_view Diagnosis::verdict() const {
    const Severity severity = worst(findings);
    return severity == Severity::info ? "healthy" : severity_name(severity);
}

std::vector<Finding> grouped(std::vector<Finding> findings) {
    for (Finding& finding : findings) {
        const auto rule = std::ranges::find(diagnostic_rules(), finding.rule, &Rule::id);
        if (rule == diagnostic_rules().end()) continue;
        const auto cause = std::ranges::find_if(rule->caused_by, [&](std::string_view id) {
            return std::ranges::find(findings, id, &Finding::rule) != findings.end();
        });
        if (cause != rule->caused_by.end()) finding.caused_by = *cause;
    }
    // The worst severity among a finding and all that it causes, and how many those are.
    using Weight = std::pair<Severity, std::size_t>;
    const std::function<Weight(const Finding&)> weight = [&](const Finding& cause) {
        Weight sum{cause.severity, 1};
        for (const Finding& finding : findings) {
            if (finding.caused_by != cause.rule) continue;
            const Weight part = weight(finding);
            sum = {std::max(sum.first, part.first), sum.second + part.second};
        }
        return sum;
    };
    std::vector<Finding> ordered;
    const std::function<void(const std::string&)> add_caused_by = [&](const std::string& cause) {
        std::vector<const Finding*> members;
        for (const Finding& finding : findings) {
            if (finding.caused_by == cause) members.push_back(&finding);
        }
        std::ranges::stable_sort(members, std::greater(),
                                 [&](const Finding* finding) { return weight(*finding); });
        for (const Finding* member : members) {
            ordered.push_back(*member);
            add_caused_by(member->rule);
        }
    };
    add_caused_by("");
    return ordered;
}

Diagnosis diagnose(const RecordedRun& run) {
    Diagnosis diagnosis;
    diagnosis.run = run.run_name();
    diagnosis.epochs = run.epochs.rows();
    for (const Rule& rule : diagnostic_rules()) {
        try {
            if (auto finding = rule.judge(RuleCase(rule, run, diagnosis.findings))) {
                finding->changes = completed(std::move(finding->changes), run);
                diagnosis.findings.push_back(std::move(*finding));
            }
        } catch (const NotJudged& reason) {
            diagnosis.not_judged.push_back({std::string(rule.id), reason.what()});
        }
    }
    if (worst(diagnosis.findings) == Severity::info) {
        diagnosis.epochs > 0
            ? diagnosis.findings.push_back(healthy(run))
            : diagnosis.not_judged.push_back({std::string(kHealthy), "no epoch is complete yet"});
    }
    diagnosis.findings = grouped(std::move(diagnosis.findings));
    return diagnosis;
}

}  // namespace abr
