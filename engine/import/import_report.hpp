// What import tells of what it read.
#pragma once

#include <string>

#include "engine/import/import.hpp"
#include "engine/output/json.hpp"

namespace abr {

// For the terminal: files, recordings by patient, ear and stimulus, what was left out and why, what to know.
std::string import_text(const ImportReport&, const ImportedTable&);

// Everything of the text, counts of every file, and what a picture needs: for each patient, ear, stimulus and level the
// number of recordings and their mean (uV).
Json import_json(const ImportReport&, const ImportedTable&);

}  // namespace abr
