// Which cells of a table stand for nothing measured.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/input/table_columns.hpp"

namespace abr {

// Empty cells, NA and NaN everywhere, the words of data.missing, and those of data.missing_in in their
// column.
class MissingCells {
  public:
    // The columns' `missing_in` must be resolved. `decimal`: the mark of the file's numbers.
    MissingCells(const DataConfig& config, const TableColumns& columns, char decimal);

    // Words match in either case, numbers by their value.
    bool operator()(std::string_view cell, int column) const;
    // Of what is no number: an identifier, or a sample, where -1 or 0 is a value like any other. By text
    // alone, and for samples (`column` = kAbsent) by words that are no numbers.
    bool is_word(std::string_view cell, int column) const;

  private:
    struct Word {
        std::string text;              // folded
        std::optional<double> number;  // its value, where it is one
        int column;                    // kAbsent: every one
    };
    std::vector<Word> words_;
    char decimal_;
};

}  // namespace abr
