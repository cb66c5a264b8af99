// Which patients train, validate and test. The unit of splitting is the patient: recordings of one person
// never stand on both sides.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/recordings.hpp"
#include "engine/records/tables.hpp"

namespace abr {

enum class Split { train, val, test };
inline constexpr std::size_t kSplits = 3;
inline constexpr std::array<std::string_view, kSplits> kSplitNames = {"train", "val", "test"};

// One entry for each of Recordings::patients.
struct PatientSplit {
    std::vector<std::int32_t>
        modal_class;  // most frequent class of the recordings (ties: the first), -1 = none
    std::vector<std::int64_t> recordings;
    std::vector<Split> split;
};

// By config.split_file where given, else by seed: within each modal class, of n patients round(n * share) to
// validation and to test, at least one each where the share is not 0 and n >= 3, at least one to training.
// Patients whose identifiers only spelling tells apart count as one, unless config.alike_patients takes them
// apart. The draw is stratified by the patients' number of recordings, so that the splits' recordings are
// balanced too.
//
// Throws InputError if a class has no patient in a split (the test split may be empty as a whole), or as
// read_split_file does.
PatientSplit split_patients(const Recordings&, const DataConfig& config);

// The assignment of a split.csv: columns patient_id and split (train, val or test), others are ignored, in
// any order and dialect of CSV. With `alike` = together a line whose identifier no patient has stands for
// those whose spelling alone differs. InputError, with file, line and what was expected, for a file that is
// no such table, a patient who stands twice or is not in `patients`, and for patients without a line.
std::vector<Split> read_split_file(const std::filesystem::path&, std::span<const std::string> patients,
                                   AlikePatients alike = AlikePatients::together);

// The rows of split.csv, patients in the order of the table.
std::vector<SplitRow> split_rows(const std::vector<std::string>& patients,
                                 std::span<const std::string> classes, const PatientSplit&);

}  // namespace abr
