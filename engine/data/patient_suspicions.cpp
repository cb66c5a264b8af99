// Suspicions about identifiers of patients.
#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "engine/data/patient_names.hpp"
#include "engine/data/suspicions.hpp"
#include "engine/input/plain_text.hpp"

namespace abr {
namespace {

// First row of each patient.
std::vector<std::size_t> first_rows(const Recordings& recordings) {
    std::vector<std::size_t> rows(recordings.patients.size(), 0);
    for (std::size_t r = recordings.patient.size(); r-- > 0;)
        rows[static_cast<std::size_t>(recordings.patient[r])] = r;
    return rows;
}

// Adds a suspicion of the patients that `is_suspect`, where there are any.
void add_patients(const JudgedTable& table, Suspicions& suspicions, Suspicion suspicion,
                  const std::function<bool(std::size_t)>& is_suspect) {
    const Recordings& recordings = table.recordings;
    const std::vector<std::size_t> rows = first_rows(recordings);
    for (std::size_t p = 0; p < recordings.patients.size(); ++p) {
        if (!is_suspect(p)) continue;
        ++suspicion.count;
        if (suspicion.places.size() < kSuspectCells)
            suspicion.places.push_back({recordings.patients[p], recordings.line_of(rows[p])});
    }
    if (suspicion.count == 0) return;
    suspicion.column = table.config.columns.patient_id;
    suspicion.what = fmt::format("{} {}", suspicion.count, suspicion.what);
    suspicions.push_back(std::move(suspicion));
}

}  // namespace

void judge_alike_patients(const JudgedTable& table, Suspicions& suspicions) {
    const std::vector<std::int32_t> first = first_alike(table.recordings.patients);
    std::vector<int> members(first.size(), 0);
    for (const std::int32_t patient : first) ++members[static_cast<std::size_t>(patient)];
    const bool together = table.config.alike_patients == AlikePatients::together;
    add_patients(
        table, suspicions,
        {"alike_patients",
         {},
         0,
         "identifiers differ from another one only in case, spaces, invisible characters, leading zeros or "
         "a final .0",
         fmt::format("correct them if they are one patient each; {}",
                     together ? "the split keeps them together, unless data.alike_patients = \"apart\""
                              : "data.alike_patients = \"together\" keeps them in one split"),
         {}},
        [&](std::size_t p) { return members[static_cast<std::size_t>(first[p])] > 1; });
}

void judge_lost_patients(const JudgedTable& table, Suspicions& suspicions) {
    const auto& patients = table.recordings.patients;
    add_patients(
        table, suspicions,
        {"exponent_patients",
         {},
         0,
         "identifiers are numbers with an exponent, as a spreadsheet shortens long ones: different patients "
         "may have become one",
         "format the column as text before the identifiers are typed or pasted, and export again",
         {}},
        [&](std::size_t p) { return is_exponent(patients[p]); });
    add_patients(table, suspicions,
                 {"error_patients",
                  {},
                  0,
                  "identifiers are errors of a spreadsheet: their recordings count as those of one patient",
                  "correct the formula, or name them in data.missing",
                  {}},
                 [&](std::size_t p) { return is_spreadsheet_error(patients[p]); });
    add_patients(table, suspicions,
                 {"nobody_patients",
                  {},
                  0,
                  "identifiers name nobody: their recordings count as those of one patient",
                  "give each patient an identifier, or name the words in data.missing",
                  {}},
                 [&](std::size_t p) { return is_nobody(patients[p]); });
}

}  // namespace abr
