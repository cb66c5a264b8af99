// Turning the rows of a file into rows of the table: what a row must be stands here, whatever the file's
// format. Fields come as text; samples as text (CSV) or as numbers (NPZ).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/input/csv_dialect.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/ear_names.hpp"
#include "engine/input/missing_cells.hpp"
#include "engine/input/read_recordings.hpp"
#include "engine/input/table_columns.hpp"
#include "engine/recordings.hpp"

namespace abr {

struct BadRow;

// What the rows of one part of a file gave. source_row counts from the part's first data row; patients are
// the part's own.
struct RowBlock {
    Recordings recordings;
    std::vector<std::int64_t> lines;         // of the file (or rows of its arrays), one for each recording
    std::vector<double> sample_interval_ms;  // one for each recording, empty without the column
    std::int64_t read = 0;
    std::int64_t filtered = 0;
    std::int64_t blank = 0, repeated_headers = 0;  // rows that are no data
    std::map<std::string_view, Rejection> rejected;
    std::unordered_map<std::string, std::int32_t> patient_index;
};

// Reads rows one after the other. Holds what all rows share; one reader may serve several threads.
class RowReader {
  public:
    // The arguments must outlive the reader.
    RowReader(const TableSource& source, const TableColumns& columns, CsvDialect dialect,
              const DataConfig& config);

    using Cells = std::span<const std::string_view>;

    // Appends the record that the tokenizer holds (with the samples' runs, signal first, or none), which
    // starts in line `line`, to the block, or counts it as blank, repeated header, filtered or rejected
    // there. InputError for an unknown class, and for any bad row if data.on_bad_row is error.
    void read(const CsvTokenizer& record, std::int64_t line, RowBlock& block) const;
    // The same for row `row` of arrays. `cells`: one for each name, in the dialect of RowReader, empty where
    // the array is not read; `clean` empty where there is none.
    void read(Cells cells, std::span<const float> signal, std::span<const float> clean, std::int64_t row,
              RowBlock& block) const;

  private:
    struct Values;

    template <class ReadSamples>
    void append(Cells cells, bool malformed, std::int64_t line, RowBlock& block,
                const ReadSamples& read_samples) const;

    bool has_as_many_cells(Cells cells) const;
    bool passes_filters(Cells cells) const;
    void read_values(Cells cells, std::int64_t line, Values& values) const;
    void parse_samples(const CsvTokenizer& record, Recordings& recordings) const;
    // NaN where the column (an index or kAbsent) is not there, or the cell is missing.
    float read_optional(Cells cells, int column, std::string_view reason_if_negative) const;
    template <class Real>
    Real read_number(Cells cells, int column) const;
    std::int8_t read_ear(Cells cells) const;
    std::int32_t read_class(Cells cells, std::int64_t line) const;
    void reject(const BadRow& bad, std::int64_t line, RowBlock& block) const;

    const TableSource& source_;
    const TableColumns& columns_;
    CsvDialect dialect_;
    const DataConfig& config_;
    std::map<std::string, std::int32_t, std::less<>> classes_;  // names and aliases
    MissingCells is_missing_;
    EarNames ears_;
};

}  // namespace abr
