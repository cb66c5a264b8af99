// Judges a run by every rule and groups what they found.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/rules/rule.hpp"

namespace abr {

struct NotJudgedRule {
    std::string rule, because;
};

struct Diagnosis {
    std::string run;
    std::size_t epochs = 0;         // complete
    std::vector<Finding> findings;  // a cause before what it causes, else severe first
    std::vector<NotJudgedRule> not_judged;

    // "healthy", or the severity of the worst finding where that is a warning or critical.
    std::string_view verdict() const;
};

Diagnosis diagnose(const RecordedRun&);

// Findings in their order: groups of a common cause together, the group with the severest member first, then the
// one that explains most; in it the cause before what it causes. `caused_by` is set to the first rule of a finding's causes that was found.
std::vector<Finding> grouped(std::vector<Finding> findings);

}  // namespace abr
