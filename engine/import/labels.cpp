#include "engine/import/labels.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "engine/error.hpp"
#include "engine/import/text_source.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/csv_chunks.hpp"
#include "engine/input/csv_file.hpp"
#include "engine/input/csv_header.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/table_message.hpp"
#include "engine/output/csv.hpp"
#include "kernels/components.hpp"

namespace abr {
namespace {

constexpr std::string_view kFileColumn = "source_file";  // what a key `file` looks at
constexpr std::string_view kNumbers[] = {"age_years", "intensity_db", "rate_hz", "fmp"};  // and scalar labels
// What import says itself.
constexpr std::string_view kReserved[] = {"signal", "clean", "sample_interval_ms", "first_sample_ms",
                                          "source_file"};

template <class Names>
bool is_one_of(std::string_view name, const Names& names) {
    return std::ranges::any_of(names, [&](std::string_view n) { return n == name; });
}

bool is_number(std::string_view name) {
    return is_one_of(name, kNumbers) ||
           std::ranges::any_of(kScalars, [&](Component c) { return task_of(c).label_column == name; });
}

struct Line {
    std::int64_t number = 0;
    std::vector<std::string> cells;
};

struct SideTable {
    std::vector<std::string> names;
    std::vector<Line> lines;
};

SideTable read_table(const std::filesystem::path& path) {
    const CsvFile file(path);
    const std::string_view text = file.text();
    CsvHeader header = find_csv_header(file, 0, {});
    const char separator = header.separator;
    SideTable table{std::move(header.names), {}};
    CsvTokenizer tokenizer(separator);
    std::int64_t number = header.rows_line;
    const char* const end = header.rows.data() + header.rows.size();
    for (const char* at = header.rows.data(); at < end; number += tokenizer.line_ends()) {
        const char* const record = at;
        at = tokenizer.read(at, end);
        const std::string_view bytes(record, static_cast<std::size_t>(at - record));
        if (const char* flaw = find_text_flaw(bytes))
            throw_text_flaw(path, text, record, number, flaw, separator, table.names);
        if (tokenizer.is_blank()) continue;
        std::vector<std::string> cells(tokenizer.cells().begin(), tokenizer.cells().end());
        if (cells.size() != table.names.size() || tokenizer.malformed() || tokenizer.unterminated())
            throw InputError(
                fmt::format("{}:{}: the line has {} cells: expected {} as in the header, with quotes "
                            "closed; correct the line",
                            path.string(), number, cells.size(), table.names.size()));
        table.lines.push_back({number, std::move(cells)});
    }
    return table;
}

// Decimal commas of a table that no comma separates are points from here on.
std::string plain_number(std::string_view cell) {
    double value = 0;
    if (!parse_number(cell, '.', value) && parse_number(cell, ',', value)) return shortest_number(value);
    return std::string(cell);
}

// The same for two texts that are the same number.
std::string comparable(std::string_view cell) {
    double value = 0;
    return parse_number(cell, '.', value) ? shortest_number(value) : std::string(cell);
}

std::string_view last_component(std::string_view path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

// Whether `path` is `name`, or ends in it after a slash.
bool names_file(std::string_view name, std::string_view path) {
    if (!path.ends_with(name)) return false;
    return path.size() == name.size() || path[path.size() - name.size() - 1] == '/';
}

class Labels {
  public:
    Labels(const std::filesystem::path& path, ImportedTable& table)
        : path_(path), side_(read_table(path)), table_(table) {
        for (std::size_t c = 0; c < side_.names.size(); ++c) {
            if (side_.names[c].empty()) continue;
            if (!column_.emplace(side_.names[c], c).second)
                throw InputError(column_message(path_, 1, side_.names[c], "stands twice", "every column once",
                                                "rename or remove one of them"));
        }
    }

    LabelsReport apply(std::vector<std::string> keys) {
        choose_keys(keys);
        check_cells();
        add_columns();
        index_rows();
        std::vector<std::size_t> line_of(table_.rows(), kNone);
        for (std::size_t l = 0; l < side_.lines.size(); ++l) {
            const Line& line = side_.lines[l];
            bool used = false;
            for (const std::size_t row : candidates(line)) {
                if (!fits(line, row)) continue;
                if (line_of[row] != kNone) refuse_second(line_of[row], l, row);
                line_of[row] = l;
                used = true;
            }
            if (!used) report_.unused_lines.push_back(line.number);
        }
        for (std::size_t row = 0; row < table_.rows(); ++row) {
            if (line_of[row] == kNone) continue;
            ++report_.labelled;
            write(side_.lines[line_of[row]], row);
        }
        return std::move(report_);
    }

  private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    void choose_keys(std::vector<std::string>& keys) {
        const auto known = [&](const std::string& key) { return is_one_of(key, kLabelKeys); };
        if (keys.empty()) {
            const bool by_file = column_.contains("file");
            for (const std::string_view key : kLabelKeys)
                if (column_.contains(key) && (!by_file || key == "file" || key == "record"))
                    keys.emplace_back(key);
        }
        for (const std::string& key : keys) {
            if (!known(key) || !column_.contains(key))
                throw InputError(
                    fmt::format("--labels-by {}: {}: expected columns of {} among {}; name them as its "
                                "header does",
                                quoted_value(key), known(key) ? "the table has no such column" : "no key",
                                path_.string(), fmt::join(kLabelKeys, ", ")));
        }
        if (keys.empty())
            throw InputError(file_message(path_, "no column says which recordings a line is for",
                                          fmt::format("one of {}", fmt::join(kLabelKeys, ", ")),
                                          "add one, or rename it"));
        report_.keys = keys;
        for (const std::string& key : keys) keys_.push_back(column_.at(key));
        for (std::size_t c = 0; c < side_.names.size(); ++c)
            if (!side_.names[c].empty() && std::ranges::find(keys_, c) == keys_.end()) values_.push_back(c);
    }

    // Ears in our words, decimal commas as points.
    void check_cells() {
        for (Line& line : side_.lines) {
            for (std::size_t c = 0; c < line.cells.size(); ++c) {
                std::string& cell = line.cells[c];
                if (is_missing(cell)) cell.clear();
                if (cell.empty()) continue;
                if (side_.names[c] == "ear") {
                    const std::int8_t ear = ear_of(cell);
                    if (ear < 0)
                        throw InputError(cell_message(path_, line.number, "ear", cell,
                                                      "left, right or nothing", "correct the cell"));
                    cell = ear == 0 ? "left" : "right";
                } else if (const ImportedColumn* known = table_.find(side_.names[c]);
                           !known || !known->is_text) {
                    cell = plain_number(cell);
                }
                if (double number = 0; is_number(side_.names[c]) && !parse_number(cell, '.', number))
                    throw InputError(cell_message(path_, line.number, side_.names[c], cell,
                                                  "a number, or an empty cell for none", "correct the cell"));
            }
        }
    }

    void add_columns() {
        for (const std::size_t c : values_) {
            const std::string& name = side_.names[c];
            if (is_one_of(name, kReserved))
                throw InputError(column_message(path_, 1, name, "is a column that import writes itself",
                                                "labels and patient data", "rename or remove it"));
            if (table_.find(name) == nullptr)
                table_.columns.push_back({name, name == "class", std::vector<std::string>(table_.rows())});
        }
        for (const std::size_t c : keys_) {
            const std::string& name = side_.names[c];
            key_columns_.push_back(table_.find(name == "file" ? kFileColumn : std::string_view(name)));
        }
    }

    bool is_text(std::size_t key) const { return key_columns_[key]->is_text; }
    bool is_file(std::size_t key) const { return key_columns_[key]->name == kFileColumn; }

    // Rows by their first key, so that long tables do not meet each row with each line.
    void index_rows() {
        for (std::size_t row = 0; row < table_.rows(); ++row) {
            all_rows_.push_back(row);
            rows_[first_key(key_columns_[0]->cells[row])].push_back(row);
        }
    }
    std::string first_key(const std::string& cell) const {
        return is_file(0) ? std::string(last_component(cell)) : is_text(0) ? cell : comparable(cell);
    }
    const std::vector<std::size_t>& candidates(const Line& line) const {
        static const std::vector<std::size_t> kNobody;
        const std::string& wanted = line.cells[keys_[0]];
        if (wanted.empty()) return all_rows_;
        const auto found = rows_.find(first_key(wanted));
        if (found == rows_.end()) return kNobody;
        if (is_file(0)) check_one_file(line, wanted, found->second);
        return found->second;
    }

    void check_one_file(const Line& line, const std::string& wanted,
                        const std::vector<std::size_t>& rows) const {
        const std::string* first = nullptr;
        for (const std::size_t row : rows) {
            const std::string& path = key_columns_[0]->cells[row];
            if (!names_file(wanted, path)) continue;
            if (first == nullptr) first = &path;
            if (path != *first)
                throw InputError(
                    cell_message(path_, line.number, "file", wanted,
                                 fmt::format("the name of one file, not of {} and {}", *first, path),
                                 "write more of its path"));
        }
    }

    bool fits(const Line& line, std::size_t row) const {
        for (std::size_t k = 0; k < keys_.size(); ++k) {
            const std::string& wanted = line.cells[keys_[k]];
            if (wanted.empty()) continue;
            const std::string& cell = key_columns_[k]->cells[row];
            const bool same = is_file(k)   ? names_file(wanted, cell)
                              : is_text(k) ? wanted == cell
                                           : comparable(wanted) == comparable(cell);
            if (!same) return false;
        }
        return true;
    }

    void write(const Line& line, std::size_t row) {
        for (const std::size_t c : values_)
            if (!line.cells[c].empty()) table_.find(side_.names[c])->cells[row] = line.cells[c];
    }

    [[noreturn]] void refuse_second(std::size_t first, std::size_t second, std::size_t row) const {
        throw InputError(
            fmt::format("{}:{}: fits a recording of {} that line {} fits too: expected one line for a "
                        "recording; correct the lines, or name more keys with --labels-by",
                        path_.string(), side_.lines[second].number, table_.find(kFileColumn)->cells[row],
                        side_.lines[first].number));
    }

    std::filesystem::path path_;
    SideTable side_;
    ImportedTable& table_;
    std::map<std::string, std::size_t, std::less<>> column_;
    std::vector<std::size_t> keys_, values_;  // columns of the side table
    std::vector<const ImportedColumn*> key_columns_;
    std::map<std::string, std::vector<std::size_t>> rows_;
    std::vector<std::size_t> all_rows_;
    LabelsReport report_;
};

}  // namespace

LabelsReport apply_labels(const std::filesystem::path& path, std::vector<std::string> keys,
                          ImportedTable& table) {
    return Labels(path, table).apply(std::move(keys));
}

}  // namespace abr
