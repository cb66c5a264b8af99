// Joining what was read of a file's parts to one table, and judging it as a whole.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/config/config.hpp"
#include "engine/input/read_recordings.hpp"
#include "engine/input/row_reader.hpp"
#include "engine/input/table_columns.hpp"
#include "engine/input/table_message.hpp"
#include "engine/recordings.hpp"

namespace abr {

// Why bad rows, which the report counts, stop a run with these settings; empty where they do not.
std::string bad_rows_problem(const TableSource&, const DataConfig&, const ReadReport&);

// Takes the parts in the file's order; so the table, and the error that is reported, do not depend on how the
// file was cut.
class RowJoiner {
  public:
    // `length`: samples of a recording. The other arguments must outlive the joiner.
    RowJoiner(const TableSource& source, const TableColumns& columns, const DataConfig& config,
              std::int64_t length);

    // Memory for so many rows; without it the first part's memory is taken over.
    void reserve(std::int64_t rows);
    // Appends a part and gives its memory back. Rethrows `error`, with which reading of the part ended, after
    // the rows before it were checked against those of earlier parts. InputError where the sample interval
    // changes.
    void add(RowBlock& block, const std::exception_ptr& error = nullptr);
    // The table; fills the counts of the report. InputError where there are no rows, or too many bad ones.
    Recordings finish(ReadReport& report);

  private:
    void check_interval(const RowBlock& block);
    void check_rows() const;

    const TableSource& source_;
    const TableColumns& columns_;
    const DataConfig& config_;
    Recordings all_;
    ReadReport report_;
    std::unordered_map<std::string, std::int32_t> patients_;
    std::optional<double> interval_;  // ms
};

}  // namespace abr
