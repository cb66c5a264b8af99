#include "engine/input/csv_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/error.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/csv_chunks.hpp"
#include "engine/input/csv_dialect.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

constexpr int kRecordsLookedAt = 100;

struct Position {
    const char* at;
    std::int64_t line;
};

// What a first line `sep=X` says, as spreadsheets write and read it.
std::optional<char> stated_separator(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == '"')) line.remove_suffix(1);
    if (line.starts_with('"')) line.remove_prefix(1);
    constexpr std::size_t kLength = 5;
    if (line.size() != kLength || !equals_ignoring_case(line.substr(0, kLength - 1), "sep="))
        return std::nullopt;
    return line.back();
}

class HeaderSearch {
  public:
    HeaderSearch(const CsvFile& file, std::span<const std::string> wanted)
        : file_(file), wanted_(wanted), begin_(file.text().data()), end_(begin_ + file.text().size()) {
        const std::string_view text = file.text();
        const std::size_t line_end = std::min(text.find('\n'), text.size());
        stated_ = stated_separator(text.substr(0, line_end));
        first_ = {begin_, 1};
        if (stated_) first_ = {begin_ + std::min(line_end + 1, text.size()), 2};
    }

    CsvHeader in_line(std::int64_t line) const {
        Position position{begin_, 1};
        while (position.line < line && position.at < end_) {
            const char* const line_end = std::find(position.at, end_, '\n');
            position.at = line_end == end_ ? end_ : line_end + 1;
            ++position.line;
        }
        if (position.at >= end_) {
            throw InputError(file_message(file_.path(), fmt::format("has no line {}", line),
                                          "the names of the columns in the line that data.header_line says",
                                          "correct data.header_line"));
        }
        return read(position);
    }

    CsvHeader first_that_names_all() const {
        Position position = first_;
        for (int i = 0; i < kRecordsLookedAt && position.at < end_; ++i) {
            const auto separator =
                stated_ ? stated_
                        : detect_separator({position.at, static_cast<std::size_t>(end_ - position.at)});
            CsvTokenizer tokenizer(separator.value_or(','));
            const char* const next = tokenizer.read(position.at, end_);
            const auto cells = tokenizer.cells();
            const bool has_all = std::ranges::all_of(wanted_, [&](const std::string& name) {
                return std::ranges::find(cells, name) != cells.end();
            });
            if (separator && has_all) return read(position);
            position = {next, position.line + tokenizer.line_ends()};
        }
        return read(first_);
    }

  private:
    CsvHeader read(Position position) const {
        const auto separator =
            stated_ ? stated_ : detect_separator({position.at, static_cast<std::size_t>(end_ - position.at)});
        if (!separator) {
            throw InputError(file_message(
                file_.path(),
                fmt::format("{} is no header of columns",
                            position.line == 1 ? "the first line" : fmt::format("line {}", position.line)),
                "column names separated by comma, semicolon or tab",
                "save the data as CSV with a header line, or name its line as data.header_line"));
        }
        CsvTokenizer tokenizer(*separator);
        const char* const rows = tokenizer.read(position.at, end_);
        const std::string_view record(position.at, static_cast<std::size_t>(rows - position.at));
        if (const char* flaw = find_text_flaw(record))
            throw_text_flaw(file_.path(), file_.text(), position.at, position.line, flaw, *separator, {});
        CsvHeader header;
        header.separator = *separator;
        header.names.assign(tokenizer.cells().begin(), tokenizer.cells().end());
        header.line = position.line;
        header.rows = {rows, static_cast<std::size_t>(end_ - rows)};
        header.rows_line = position.line + tokenizer.line_ends();
        return header;
    }

    const CsvFile& file_;
    std::span<const std::string> wanted_;
    const char* begin_;
    const char* end_;
    std::optional<char> stated_;
    Position first_{};
};

}  // namespace

CsvHeader find_csv_header(const CsvFile& file, std::int64_t line, std::span<const std::string> wanted) {
    const std::string_view text = file.text();
    if (text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos) {
        throw InputError(file_message(file.path(), "lines end with a carriage return alone",
                                      "lines that end with a line feed",
                                      "convert the file with `tr '\\r' '\\n'` or save it as CSV UTF-8"));
    }
    const HeaderSearch search(file, wanted);
    return line > 0 ? search.in_line(line) : search.first_that_names_all();
}

}  // namespace abr
