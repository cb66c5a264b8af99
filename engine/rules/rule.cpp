#include "engine/rules/rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace abr {
std::string_view severity_name(Severity severity) {
    switch (severity) {
        case Severity::info:
            return "info";
        case Severity::warning:
            return "warning";
        case Severity::critical:
            return "critical";
    }
    throw std::logic_error("a severity without a name");
}

std::string setting_key(const Rule& rule, const RuleSetting& setting) {
    std::string id(rule.id);
    std::ranges::transform(id, id.begin(),
                           [](char c) { return 'A' <= c && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return fmt::format("diagnostics.{}.{}", id, setting.name);
}

double RuleCase::setting(std::string_view name) const {
    const auto found = std::ranges::find(rule_.settings, name, &RuleSetting::name);
    if (found == rule_.settings.end()) throw std::logic_error(fmt::format("{} has no {}", rule_.id, name));
    if (run.has_config()) {
        const auto& written = run.config().diagnostics.settings;
        const auto value = written.find(setting_key(rule_, *found));
        if (value != written.end()) return value->second;
    }
    return found->value;
}

std::size_t RuleCase::count(std::string_view name) const {
    return static_cast<std::size_t>(std::max(1.0, setting(name)));
}

const Finding* RuleCase::found(std::initializer_list<std::string_view> rules) const {
    for (const std::string_view rule : rules) {
        const auto match = std::ranges::find_if(before_, [&](const Finding& finding) {
            return rule.ends_with('*') ? finding.rule.starts_with(rule.substr(0, rule.size() - 1))
                                       : finding.rule == rule;
        });
        if (match != before_.end()) return &*match;
    }
    return nullptr;
}

Finding RuleCase::finding() const {
    Finding finding;
    finding.rule = rule_.id;
    finding.severity = rule_.severity;
    finding.advice = rule_.advice;
    finding.last_epoch = std::max<std::int64_t>(1, static_cast<std::int64_t>(run.epochs.rows())) - 1;
    return finding;
}

Finding RuleCase::finding(std::size_t first_row, std::size_t last_row) const {
    Finding result = finding();
    const auto epochs = run.epochs.numbers("epoch").subspan(run.stage_row());
    result.first_epoch = static_cast<std::int64_t>(epochs[first_row].value());
    result.last_epoch = static_cast<std::int64_t>(epochs[last_row].value());
    return result;
}

void RuleCase::advise(Finding& finding, std::string key, Json to) const {
    finding.changes.push_back({std::move(key), nullptr, std::move(to)});
}

double rounded(double value, int digits) {
    if (value == 0 || !std::isfinite(value)) return value;
    return std::stod(fmt::format("{:.{}e}", value, digits - 1));
}

}  // namespace abr
