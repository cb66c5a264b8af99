// Brings the recordings of devices' files into one table. See average.hpp for how.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/import/imported_table.hpp"
#include "engine/import/labels.hpp"
#include "engine/import/layout.hpp"

namespace abr {

// What becomes of the two half buffers of an average.
enum class HalfBuffers {
    noise,     // the rms of half their difference: the residual noise of the average, in its own column
    separate,  // two recordings instead of the average
    drop,
};

// What stands for the patient: the file's own identifier (its name without extension where it has none), always that
// name, or the folder's.
enum class SubjectFrom { header, file, folder };

struct ImportSettings {
    std::vector<std::filesystem::path> files;
    std::string format;  // a layout's name, or empty to recognise each file
    ReadOptions read;
    double delay_ms = 0;  // the sound comes so long after the stimulus of the file
    // From and to, relative to the sound. Nothing: from it on, as long as the shortest recording.
    std::optional<std::pair<double, double>> window_ms;
    std::optional<double> interval_ms;  // to resample to; nothing: every recording's own, which must be one
    HalfBuffers half_buffers = HalfBuffers::noise;
    SubjectFrom subject = SubjectFrom::header;
    std::filesystem::path labels;  // empty: none
    std::vector<std::string> label_keys;
    bool skip_bad = false;  // leave out and count what cannot be used; otherwise it is an InputError
};

struct ImportedFile {
    std::filesystem::path path;
    std::string title;            // of its layout, empty where it could not be read
    std::int64_t averages = 0;    // in the file
    std::int64_t recordings = 0;  // written for it
};

struct ImportReport {
    std::vector<ImportedFile> files;
    std::map<std::string, std::vector<std::string>> left_out;  // reason → which: files and averages
    std::vector<std::string> notes;                            // what a user should know, with the file
    std::size_t subjects_from_file_names = 0;                  // files without an identifier of their own
    double shortest_ms = 0, longest_ms = 0;  // recordings behind the sound, before they were cut
    std::optional<LabelsReport> labels;
};

// Reads the files one after the other; memory: one file, and the table. InputError for whatever is wrong with a file or
// an average (unless they are left out), for a window that a recording does not fill, sample intervals that differ
// without `interval_ms`, recordings without a level at the end, and nothing left to write. An average whose samples are
// all equal was never recorded: it is left out and counted, whatever skip_bad says.
ImportedTable import_recordings(const ImportSettings&, ImportReport&);

}  // namespace abr
