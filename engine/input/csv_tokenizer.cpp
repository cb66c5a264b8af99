#include "engine/input/csv_tokenizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/input/cell_number.hpp"
#include "engine/input/csv_decimals.hpp"

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
    const char* line_end = cell_ends_.find(begin, end, separator_);
    if (line_end == nullptr) return split_quoted(begin, end);
    split_plain(begin);
    line_ends_ = line_end < end ? 1 : 0;
    return line_end + line_ends_;
}

bool CsvTokenizer::is_blank() const {
    const auto is_empty = [](std::string_view cell) { return cell.empty(); };
    const auto no_numbers = [](const std::vector<float>& run) { return run.empty(); };
    return !malformed_ && std::ranges::all_of(cells_, is_empty) && std::ranges::all_of(numbers_, no_numbers);
}

void CsvTokenizer::split_plain(const char* record) {
    const char* begin = record;
    std::size_t run = 0;
    while (cells_.size() < cell_ends_.count()) {
        if (run < runs_.size() && cells_.size() == runs_[run].first && read_numbers(record, begin, run++)) {
            cells_.resize(cells_.size() + runs_[run - 1].count);
        } else {
            cells_.push_back(trimmed(begin, cell_ends_[cells_.size()]));
        }
        begin = cell_ends_[cells_.size() - 1] + 1;
    }
}

// False where the cells from `begin` on are no such numbers.
bool CsvTokenizer::read_numbers(const char* record, const char* begin, std::size_t run) {
    const auto [first, count] = runs_[run];
    if (count > cell_ends_.count() - first) return false;
    std::vector<float>& numbers = numbers_[run];
    numbers.resize(count);
    const char* const* const ends = cell_ends_.from(first);
    for (std::size_t i = 0;; ++i) {
        i += read_decimals(record, begin, ends + i, count - i, decimal_, numbers.data() + i);
        if (i == count) return true;
        const bool is_last = first + i + 1 == cell_ends_.count();
        begin = i == 0 ? begin : ends[i - 1] + 1;
        const char* const end = is_last && ends[i] > begin && ends[i][-1] == '\r' ? ends[i] - 1 : ends[i];
        if (!parse_number({begin, static_cast<std::size_t>(end - begin)}, decimal_, numbers[i]) ||
            !std::isfinite(numbers[i])) {
            numbers.clear();
            return false;
        }
        begin = ends[i] + 1;
    }
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
