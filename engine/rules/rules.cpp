#include "engine/rules/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>

namespace abr {
namespace {

std::vector<Rule> all_rules() {
    std::vector<Rule> all;
    for (auto part : {f1_rules, data_rules, balance_rules, stability_rules, progress_rules, setting_rules}) {
        std::vector<Rule> rules = part();
        all.insert(all.end(), std::make_move_iterator(rules.begin()), std::make_move_iterator(rules.end()));
    }
    return all;
}

}  // namespace

const std::vector<Rule>& diagnostic_rules() {
    static const std::vector<Rule> rules = all_rules();
    return rules;
}

std::string rule_reference() {
    std::string text;
    for (const Rule& rule : diagnostic_rules()) {
        text += fmt::format("\n### `{}` ({})\n\n", rule.id, severity_name(rule.severity));
        text += fmt::format("Fires when {}. Reads {}.\n\n", rule.fires_when, rule.reads);
        text += fmt::format("**Why it matters.** {}\n\n**What to do.** {}\n", rule.meaning, rule.advice);
        if (!rule.caused_by.empty()) {
            text += fmt::format("\nExplained by, if found: `{}`.\n", fmt::join(rule.caused_by, "`, `"));
        }
    }
    return text;
}

}  // namespace abr
