// Labels and patient data from a side table: CSV with a header, in any dialect that the engine reads.
//
//   file,ear,patient_id,class,threshold_db       one of more columns say which recordings a line is for (keys),
//   P3/TEMP-03-10db.TXT,,P3,SNHL,45              the others are written to them
//
// A key's empty cell fits any recording. A file is named by its path as given to import or by the end of it. Numbers
// are compared as numbers. A value's empty cell changes nothing; any other replaces what the file said, and a column
// that import does not know is added.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/import/imported_table.hpp"

namespace abr {

// Columns that may be keys, in the order of their precedence as defaults.
inline constexpr const char* kLabelKeys[] = {
    "file", "record", "patient_id", "ear", "intensity_db", "stimulus_frequency_hz", "channel", "repetition"};

struct LabelsReport {
    std::vector<std::string> keys;           // that were used
    std::size_t labelled = 0;                // recordings that have a line
    std::vector<std::int64_t> unused_lines;  // of the table, that fit no recording
};

// Applies the table. `keys`: names of its columns, or empty: `file` alone where the table has it, with `record` where it
// has that too, and otherwise all of kLabelKeys that it has. InputError: a key that is none or that the table lacks; no
// keys; a file that fits two of the inputs' names; two lines for one recording; an ear or a number that is none.
LabelsReport apply_labels(const std::filesystem::path& path, std::vector<std::string> keys,
                          ImportedTable& table);

}  // namespace abr
