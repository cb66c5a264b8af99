// What can be read but looks wrong: said to a person and kept in data_report.json; it stops nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace abr {

// A value that looks wrong, and where it stands.
struct SuspectCell {
    std::string value;
    std::int64_t line = 0;  // of the file (row of arrays); 0 = no single one
};

struct Suspicion {
    std::string kind;                 // in snake case, for programs
    std::string column;               // the file's name of it
    std::int64_t count = 0;           // of what the sentence speaks of
    std::string what, remedy;         // "12 values of 0 …", "name them in …"
    std::vector<SuspectCell> places;  // the first kSuspectCells
};
inline constexpr std::size_t kSuspectCells = 5;

// "COLUMN: WHAT (`0` in line 3, …); REMEDY".
std::string suspicion_text(const Suspicion&);

}  // namespace abr
