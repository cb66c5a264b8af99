#include "engine/diagnostics/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/keys/keys.hpp"
#include "engine/output/file.hpp"
#include "engine/rules/rules.hpp"

namespace abr {
namespace {

// What the rule's finding means, or what it means that none was found.
std::string_view meaning_of(const Finding& finding) {
    const auto rule = std::ranges::find(diagnostic_rules(), finding.rule, &Rule::id);
    return rule != diagnostic_rules().end()
               ? rule->meaning
               : "No rule found anything critical or worth a warning in the epochs that are complete.";
}

std::string toml_text(const Json& value) {
    if (value.is_null()) return "?";
    if (value.is_number_float()) return toml_number(value.get<double>());
    if (value.is_string()) return toml_string(value.get<std::string>());
    return value.dump();
}

// For people: four significant digits.
std::string evidence_text(const Json& value) {
    if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string evidence_list(const Json& evidence) {
    std::vector<std::string> parts;
    for (const auto& [name, value] : evidence.items())
        parts.push_back(fmt::format("{} {}", name, evidence_text(value)));
    return fmt::format("{}", fmt::join(parts, ", "));
}

// Names from files must not break a table's cell.
std::string table_cell(std::string text) {
    std::string cell;
    for (const char c : text)
        cell += c == '\n' || c == '\r' ? std::string(" ") : c == '|' ? std::string("\\|") : std::string(1, c);
    return cell;
}

std::string section(const Finding& finding) {
    std::string text = fmt::format("\n## {} ({})\n\n", finding.rule, severity_name(finding.severity));
    text += fmt::format("Epochs {} to {}.", finding.first_epoch, finding.last_epoch);
    if (!finding.caused_by.empty()) text += fmt::format(" Likely a consequence of {}.", finding.caused_by);
    text += "\n\n| evidence | value |\n|---|---|\n";
    for (const auto& [name, value] : finding.evidence.items())
        text += fmt::format("| {} | {} |\n", table_cell(name), table_cell(evidence_text(value)));
    text += fmt::format("\n{}\n\n**What to do.** {}\n", meaning_of(finding), finding.advice);
    if (finding.changes.empty()) return text;
    text += "\n```toml\n";
    for (const ConfigChange& change : finding.changes)
        text += fmt::format("{} = {}  # was {}\n", change.key, toml_text(change.to), toml_text(change.from));
    return text + "```\n";
}

}  // namespace

std::string change_text(const ConfigChange& change) {
    return fmt::format("{} = {} -> {}", change.key, toml_text(change.from), toml_text(change.to));
}

std::string one_line(const Finding& finding) {
    return fmt::format("{} {}", severity_name(finding.severity), without_severity(finding));
}

std::string without_severity(const Finding& finding) {
    std::string text = fmt::format("{}: {}", finding.rule, evidence_list(finding.evidence));
    std::vector<std::string> changes;
    for (const ConfigChange& change : finding.changes) changes.push_back(change_text(change));
    if (!changes.empty()) text += fmt::format("; try {}", fmt::join(changes, ", "));
    return text;
}

Json to_json(const Diagnosis& diagnosis) {
    Json findings = Json::array();
    for (const Finding& finding : diagnosis.findings) {
        Json toml = Json::array();
        for (const ConfigChange& change : finding.changes)
            toml.push_back({{"key", change.key}, {"from", change.from}, {"to", change.to}});
        findings.push_back(
            {{"rule", finding.rule},
             {"severity", severity_name(finding.severity)},
             {"epochs", {finding.first_epoch, finding.last_epoch}},
             {"evidence", finding.evidence},
             {"meaning", meaning_of(finding)},
             {"advice", {{"text", finding.advice}, {"toml", toml}}},
             {"caused_by", finding.caused_by.empty() ? Json(nullptr) : Json(finding.caused_by)}});
    }
    Json not_judged = Json::array();
    for (const NotJudgedRule& rule : diagnosis.not_judged)
        not_judged.push_back({{"rule", rule.rule}, {"because", rule.because}});
    Json json;
    json["schema_version"] = kDiagnosticsSchema;
    json["run"] = diagnosis.run;
    json["epochs"] = diagnosis.epochs;
    json["verdict"] = diagnosis.verdict();
    json["findings"] = findings;
    json["not_judged"] = not_judged;
    return json;
}

std::string to_markdown(const Diagnosis& diagnosis) {
    std::string text = fmt::format(
        "# Diagnosis of {}: {}\n\n{} epochs complete. Causes stand before what they "
        "cause, else severe findings first.\n",
        diagnosis.run, diagnosis.verdict(), diagnosis.epochs);
    for (const Finding& finding : diagnosis.findings) text += section(finding);
    if (!diagnosis.not_judged.empty()) text += "\n## Not judged\n\n| rule | because |\n|---|---|\n";
    for (const NotJudgedRule& rule : diagnosis.not_judged)
        text += fmt::format("| {} | {} |\n", rule.rule, table_cell(rule.because));
    return text;
}

std::string as_set_arguments(const Diagnosis& diagnosis) {
    if (diagnosis.findings.empty()) return {};
    std::vector<std::string> arguments;
    for (const ConfigChange& change : diagnosis.findings.front().changes) {
        // Text needs no quotes: --set takes what is no TOML value as text.
        arguments.push_back(
            fmt::format("--set {}={}", change.key,
                        change.to.is_string() ? change.to.get<std::string>() : toml_text(change.to)));
    }
    return fmt::format("{}", fmt::join(arguments, " "));
}

void write_diagnosis(const std::filesystem::path& folder, const Diagnosis& diagnosis) {
    write_json(folder / "diagnostics.json", to_json(diagnosis));
    write_file_atomically(folder / "diagnostics.md", to_markdown(diagnosis));
}

}  // namespace abr
