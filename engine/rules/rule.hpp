// One diagnostic rule: its name, its numbers, when it fires, why that matters and what to do. Rules stand in the
// *_rules.cpp files beside this one; engine/rules/rules.hpp lists them all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/output/json.hpp"
#include "engine/records/recorded_run.hpp"

namespace abr {

enum class Severity { info, warning, critical };
std::string_view severity_name(Severity);

// A line of the configuration to change. Values as in TOML; null where the old one is not known.
struct ConfigChange {
    std::string key;
    Json from, to;
};

struct Finding {
    std::string rule;
    Severity severity = Severity::info;
    std::int64_t first_epoch = 0, last_epoch = 0;
    Json evidence = Json::object();  // name -> number or text
    std::string advice;
    std::vector<ConfigChange> changes;
    std::string caused_by;  // the rule of another finding, or empty
};

// A number of a rule, key diagnostics.<rule in lower case>.<name>.
struct RuleSetting {
    std::string_view name;
    double value;  // the default
    std::string_view meaning;
    bool is_count = false;          // an integer >= 1
    double low = -1e6, high = 1e6;  // bounds, both allowed
};

struct Rule;

// What a rule judges: the run, its numbers, and what the rules before it found.
class RuleCase {
  public:
    RuleCase(const Rule& rule, const RecordedRun& tables, const std::vector<Finding>& before)
        : run(tables), rule_(rule), before_(before) {}

    const RecordedRun& run;

    double setting(std::string_view name) const;
    std::size_t count(std::string_view name) const;  // a setting that is an integer >= 1
    // The first finding of one of these rules, or null. A name that ends in '*' stands for all that begin so.
    const Finding* found(std::initializer_list<std::string_view> rules) const;

    // A finding of this rule, with its severity and advice, for all complete epochs, or for rows
    // [first_row, last_row] of epochs.csv as EpochColumns counts them.
    Finding finding() const;
    Finding finding(std::size_t first_row, std::size_t last_row) const;
    // Advises a value for a key. The rules stand below the table of keys: diagnose() brings the value into the
    // key's range, adds the run's own, and drops the advice where both are the same.
    void advise(Finding&, std::string key, Json to) const;

  private:
    const Rule& rule_;
    const std::vector<Finding>& before_;
};

struct Rule {
    std::string_view id;
    Severity severity;
    std::vector<RuleSetting> settings;
    std::string_view reads;                   // files, for the documentation
    std::string_view fires_when;              // with the default numbers
    std::string_view meaning;                 // why it matters
    std::string_view advice;                  // what to do
    std::vector<std::string_view> caused_by;  // rules whose findings explain this one, the likeliest first
    // Throws NotJudged where something is missing.
    std::optional<Finding> (*judge)(const RuleCase&);
};

std::string setting_key(const Rule&, const RuleSetting&);

// To `digits` significant decimal digits.
double rounded(double value, int digits = 2);

}  // namespace abr
