#include "engine/input/missing_cells.hpp"

#include <algorithm>

#include "engine/input/cell_number.hpp"
#include "engine/input/plain_text.hpp"

namespace abr {

MissingCells::MissingCells(const DataConfig& config, const TableColumns& columns, char decimal)
    : decimal_(decimal) {
    const auto add = [&](const std::string& text, int column) {
        Word word{folded(text), std::nullopt, column};
        double value = 0;
        if (parse_number(text, '.', value) || parse_number(text, decimal, value)) word.number = value;
        words_.push_back(std::move(word));
    };
    for (const std::string& text : config.missing) add(text, TableColumns::kAbsent);
    std::size_t i = 0;
    for (const auto& [name, texts] : config.missing_in) {
        for (const std::string& text : texts) add(text, columns.missing_in[i]);
        ++i;
    }
}

bool MissingCells::operator()(std::string_view cell, int column) const {
    if (is_missing(cell)) return true;
    if (words_.empty()) return false;
    double value = 0;
    const bool is_number = parse_number(cell, decimal_, value);
    return is_word(cell, column) || std::ranges::any_of(words_, [&](const Word& word) {
               return (word.column == TableColumns::kAbsent || word.column == column) && is_number &&
                      word.number && *word.number == value;
           });
}

bool MissingCells::is_word(std::string_view cell, int column) const {
    if (is_missing(cell)) return true;
    if (words_.empty()) return false;
    const std::string text = folded(cell);
    return std::ranges::any_of(words_, [&](const Word& word) {
        const bool applies = column == TableColumns::kAbsent
                                 ? !word.number && word.column == TableColumns::kAbsent
                                 : word.column == TableColumns::kAbsent || word.column == column;
        return applies && word.text == text;
    });
}

}  // namespace abr
