#include "engine/data/csv_tokenizer.hpp"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "engine/data/cell_number.hpp"

namespace abr {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

std::string_view trimmed(const char* begin, const char* end) {
    while (begin < end && is_space(*begin)) ++begin;
    while (begin < end && is_space(end[-1])) --end;
    return {begin, static_cast<std::size_t>(end - begin)};
}

const char* find(const char* begin, const char* end, char c) {
    const void* at = std::memchr(begin, c, static_cast<std::size_t>(end - begin));
    return at == nullptr ? end : static_cast<const char*>(at);
}

CsvState step(CsvState state, char c, char separator) {
    if (state == CsvState::quoted) return c == '"' ? CsvState::quote_closed : CsvState::quoted;
    if (c == separator || c == '\n') return CsvState::cell_start;
    switch (state) {
        case CsvState::cell_start:
            if (c == '"') return CsvState::quoted;
            return is_space(c) ? CsvState::cell_start : CsvState::bare;
        case CsvState::quote_closed:
            return c == '"' ? CsvState::quoted : CsvState::bare;
        default:
            return CsvState::bare;
    }
}

}  // namespace

const char* find_record_end(const char* begin, const char* end, char separator, CsvState& state) {
    for (const char* at = begin; at < end; ++at) {
        const bool within = state == CsvState::quoted;
        state = step(state, *at, separator);
        if (*at == '\n' && !within) return at + 1;
    }
    return end;
}

CsvTokenizer::CsvTokenizer(char separator, char decimal, std::vector<NumberRun> runs)
    : separator_(separator), decimal_(decimal), runs_(std::move(runs)), numbers_(runs_.size()) {}

const char* CsvTokenizer::read(const char* begin, const char* end) {
    cells_.clear();
    for (std::vector<float>& numbers : numbers_) numbers.clear();
    unescaped_.clear();
    malformed_ = false;
    unterminated_ = false;
    const char* line_end = find(begin, end, '\n');
    if (find(begin, line_end, '"') != line_end) return split_quoted(begin, end);
    split_plain(begin, line_end, end);
    line_ends_ = line_end < end ? 1 : 0;
    return line_end < end ? line_end + 1 : end;
}

void CsvTokenizer::split_plain(const char* begin, const char* end, const char* text_end) {
    std::size_t run = 0;
    for (;;) {
        if (run < runs_.size() && cells_.size() == runs_[run].first) {
            const char* after = read_numbers(begin, end, text_end, run);
            if (after != nullptr) cells_.resize(cells_.size() + runs_[run].count);
            ++run;
            if (after == end) return;
            if (after != nullptr) {
                begin = after + 1;
                continue;
            }
        }
        const char* cell_end = begin;
        while (cell_end < end && *cell_end != separator_) ++cell_end;
        cells_.push_back(trimmed(begin, cell_end));
        if (cell_end == end) return;
        begin = cell_end + 1;
    }
}

// The position of the separator after the run, or `end`; null where the cells are no such numbers.
const char* CsvTokenizer::read_numbers(const char* begin, const char* end, const char* text_end,
                                       std::size_t run) {
    std::vector<float>& numbers = numbers_[run];
    const std::size_t count = runs_[run].count;
    numbers.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        // It may look beyond the line, but no number goes on there.
        const char* after = parse_short_decimal(begin, text_end, decimal_, numbers[i]);
        if (after == nullptr) after = read_general_number(begin, end, numbers[i]);
        if (after == nullptr) break;
        const bool is_last = i + 1 == count;
        if (after < end && *after == separator_) {
            if (is_last) return after;
            begin = after + 1;
            continue;
        }
        if (is_last && (after == end || (*after == '\r' && after + 1 == end))) return end;
        break;
    }
    numbers.clear();
    return nullptr;
}

// The end of the finite number at `begin`; null where there is none.
const char* CsvTokenizer::read_general_number(const char* begin, const char* end, float& number) const {
    const fast_float::parse_options options(fast_float::chars_format::general, decimal_);
    const auto [after, error] = fast_float::from_chars_advanced(begin, end, number, options);
    return error == std::errc() && std::isfinite(number) ? after : nullptr;
}

const char* CsvTokenizer::split_quoted(const char* begin, const char* end) {
    CsvState state = CsvState::cell_start;
    const char* cell = begin;       // where the cell starts
    const char* opening = nullptr;  // its first quote
    const char* closing = nullptr;  // its last one so far
    bool doubled_quotes = false;
    line_ends_ = 0;
    const char* at = begin;
    for (;; ++at) {
        const bool ends_cell = at == end || ((*at == separator_ || *at == '\n') && state != CsvState::quoted);
        if (ends_cell) {
            if (opening == nullptr) {
                cells_.push_back(trimmed(cell, at));
            } else {
                unterminated_ = state == CsvState::quoted;
                const char* inner_end = unterminated_ ? end : closing;
                if (!unterminated_) malformed_ = malformed_ || !trimmed(closing + 1, at).empty();
                add_quoted(opening + 1, inner_end, doubled_quotes);
            }
            if (at == end) return end;
            if (*at == '\n') {
                ++line_ends_;
                return at + 1;
            }
            cell = at + 1;
            opening = closing = nullptr;
            doubled_quotes = false;
            state = CsvState::cell_start;
            continue;
        }
        if (*at == '\n') ++line_ends_;
        const CsvState next = step(state, *at, separator_);
        if (state == CsvState::cell_start && next == CsvState::quoted) opening = at;
        if (next == CsvState::quote_closed) closing = at;
        if (state == CsvState::quote_closed && next == CsvState::quoted) doubled_quotes = true;
        state = next;
    }
}

void CsvTokenizer::add_quoted(const char* begin, const char* end, bool doubled_quotes) {
    const std::string_view raw = trimmed(begin, end);
    if (!doubled_quotes) {
        cells_.push_back(raw);
        return;
    }
    auto text = std::make_unique<std::string>();
    for (std::size_t i = 0; i < raw.size(); ++i) {
        *text += raw[i];
        if (raw[i] == '"') ++i;
    }
    cells_.push_back(*text);
    unescaped_.push_back(std::move(text));
}

}  // namespace abr
