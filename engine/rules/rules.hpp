// The list of the diagnostic rules.
#pragma once

#include <string>
#include <vector>

#include "engine/rules/rule.hpp"

namespace abr {

// In the order in which they are judged: a rule that asks for the findings of others stands behind them.
const std::vector<Rule>& diagnostic_rules();

// The parts of the list, one a file.
std::vector<Rule> f1_rules();         // is anything learnt at all
std::vector<Rule> data_rules();       // classes, splits, complete tables
std::vector<Rule> balance_rules();    // shares of the components
std::vector<Rule> progress_rules();   // stalled, plateau, overfitting
std::vector<Rule> stability_rules();  // losses and gradients out of proportion
std::vector<Rule> setting_rules();    // settings that explain what others found

// The table of docs/diagnostics.md (Markdown).
std::string rule_reference();

}  // namespace abr
