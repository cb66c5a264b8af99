// Turning the records of a CSV file into rows of the table.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/data/csv_columns.hpp"
#include "engine/data/csv_dialect.hpp"
#include "engine/data/csv_tokenizer.hpp"
#include "engine/data/read_recordings.hpp"
#include "engine/recordings.hpp"

namespace abr {

// What the rows of one chunk gave. source_row counts from the chunk's first data row; patients are the
// chunk's own.
struct CsvBlock {
    Recordings recordings;
    std::vector<std::int64_t> lines;         // of the file, one for each recording
    std::vector<double> sample_interval_ms;  // one for each recording, empty without the column
    std::int64_t read = 0;
    std::int64_t filtered = 0;
    std::map<std::string_view, Rejection> rejected;
    std::string first_rejection;  // its message, empty if there is none
    std::unordered_map<std::string, std::int32_t> patient_index;
};

// Reads rows one after the other. Holds what all rows share; one reader may serve several threads.
class CsvRowReader {
  public:
    // The arguments must outlive the reader.
    CsvRowReader(const std::filesystem::path& path, const CsvColumns& columns, CsvDialect dialect,
                 const DataConfig& config);

    // Appends the record that the tokenizer holds, which starts in line `line`, to the block, or counts it as
    // filtered or rejected there. InputError for an unknown class, and for any bad row if data.on_bad_row is
    // error.
    void read(const CsvTokenizer& record, std::int64_t line, CsvBlock& block) const;

  private:
    struct BadRow;
    struct Values;
    struct NumericColumn;
    using Cells = std::span<const std::string_view>;

    bool passes_filters(Cells cells) const;
    void read_values(Cells cells, std::int64_t line, Values& values) const;
    void read_signals(Cells cells, Recordings& recordings) const;
    float read_optional(Cells cells, const NumericColumn& column) const;
    template <class Real>
    Real read_number(Cells cells, int column) const;
    std::int8_t read_ear(Cells cells) const;
    std::int32_t read_class(Cells cells, std::int64_t line) const;
    void reject(const BadRow& bad, std::int64_t line, CsvBlock& block) const;
    std::string bad_row_message(const BadRow& bad, std::int64_t line) const;

    const std::filesystem::path& path_;
    const CsvColumns& columns_;
    CsvDialect dialect_;
    const DataConfig& config_;
    std::map<std::string, std::int32_t, std::less<>> classes_;  // names and aliases
};

}  // namespace abr
