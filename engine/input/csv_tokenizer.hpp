// Records and cells of CSV text: RFC 4180, with a separator of choice, line feed or carriage return and line
// feed as line end, and spaces around a cell ignored. A quote opens a quoted cell only at the start of the
// cell; within it separators and line ends are text, and a doubled quote is a quote.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/input/csv_cell_ends.hpp"

namespace abr {

// Where in the text of a record a position lies.
enum class CsvState {
    cell_start,    // nothing of the cell yet, or spaces
    bare,          // within or after the text of a cell
    quoted,        // between quotes
    quote_closed,  // after a quote within a quoted cell: its end, or the first of a doubled quote
};

// Walks from `begin` in `state` to the end of the record: returns the position after its line end, with state
// cell_start, or `end`, with the state there.
const char* find_record_end(const char* begin, const char* end, char separator, CsvState& state);

// Cells of every record that stand side by side and should be numbers, as the samples of a signal.
struct NumberRun {
    std::size_t first = 0, count = 0;  // cells
};

// Splits records into cells. Cells are views of the text, or of the tokenizer's own memory where doubled
// quotes were taken out, and hold until the next record is read.
//
// Most of a file of recordings is samples. Runs of them are turned into numbers while the record is split,
// which finds the ends of the cells anyway.
class CsvTokenizer {
  public:
    explicit CsvTokenizer(char separator) : separator_(separator) {}
    // `runs` ascend and do not overlap; `decimal` is the decimal mark.
    CsvTokenizer(char separator, char decimal, std::vector<NumberRun> runs);

    // Reads the record that starts at `begin` and returns the position after its line end.
    const char* read(const char* begin, const char* end);

    std::span<const std::string_view> cells() const { return cells_; }  // trimmed, without quotes
    // The values of run `run`, whose cells are then empty. Nothing where the record does not have them all as
    // plain finite numbers without quotes or spaces: then the cells tell.
    std::span<const float> numbers(std::size_t run) const {
        return run < numbers_.size() ? std::span<const float>(numbers_[run]) : std::span<const float>();
    }
    std::int64_t line_ends() const { return line_ends_; }  // of the file, within quotes too
    // No cell holds anything; a line of separators alone is blank too.
    bool is_blank() const;
    bool malformed() const { return malformed_; }        // text after a closing quote
    bool unterminated() const { return unterminated_; }  // the text ended within quotes

  private:
    void split_plain(const char* record);
    bool read_numbers(const char* record, const char* begin, std::size_t run);
    const char* split_quoted(const char* begin, const char* end);
    void add_quoted(const char* begin, const char* end, bool doubled_quotes);

    char separator_;
    char decimal_ = '.';
    std::vector<NumberRun> runs_;
    std::vector<std::vector<float>> numbers_;  // of each run
    std::vector<std::string_view> cells_;
    CellEnds cell_ends_;
    std::vector<std::unique_ptr<std::string>> unescaped_;
    std::int64_t line_ends_ = 0;
    bool malformed_ = false;
    bool unterminated_ = false;
};

}  // namespace abr
