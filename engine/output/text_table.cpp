#include "engine/output/text_table.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace abr {
namespace {

constexpr std::size_t kGap = 2;

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
        if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
            result += '?';
            ++i;
        } else {
            result += (byte < 0x20 && byte != '\n') || byte == 0x7F ? '?' : text[i];
        }
    }
    return result;
}

TextTable::TextTable(std::vector<std::string> header) {
    add(std::move(header));
}

void TextTable::add(std::vector<std::string> cells) {
    if (cells.empty() || (!rows_.empty() && cells.size() != rows_.front().size())) {
        throw std::logic_error("a table row with another number of cells than its header");
    }
    for (std::string& cell : cells) {
        cell = printable(cell);
        std::ranges::replace(cell, '\n', '?');
    }
    rows_.push_back(std::move(cells));
}

void TextTable::add_rule() {
    rows_.emplace_back();
}

std::string TextTable::text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
        for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], characters(row[c]));
    }
    const std::size_t total =
        std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + kGap * (widths.size() - 1);
    std::string text;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        const auto& row = rows_[r];
        std::string line = row.empty() ? std::string(total, '-') : std::string();
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string padding(widths[c] - characters(row[c]), ' ');
            line += c == 0 ? row[c] + padding : std::string(kGap, ' ') + padding + row[c];
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
        if (r == 0) text += std::string(total, '-') + '\n';
    }
    text.pop_back();
    return text;
}

}  // namespace abr
