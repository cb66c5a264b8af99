// Measures a generated cohort against the statistics that it must reproduce.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "engine/recordings.hpp"
#include "engine/synthetic/cohort.hpp"

namespace abr {

// One statistic: what is expected, within what, and what came out.
struct CohortCheck {
    std::string statistic;
    double published =
        0;  // of the clinical collection, or of the physiological model where none was published
    double tolerance = 0;  // 0 = exact
    double measured = 0;

    bool ok() const;  // |measured - published| <= tolerance; false for NaN
};

struct CohortTable {
    char preset = 'B';
    std::vector<CohortCheck> checks;

    bool ok() const;  // every check
    // The check of that name; throws std::out_of_range.
    const CohortCheck& at(const std::string& statistic) const;
};

// The published statistics hold at full size (2,038 patients); a smaller cohort is measured against the same
// values, except the counts, which scale. The preset follows from the sample interval.
CohortTable measure_cohort(const Recordings& cohort, const Latents& latents);

// A Markdown table: statistic, published, measured, tolerance, ok.
void print_cohort_table(std::FILE* file, const CohortTable& table);

}  // namespace abr
