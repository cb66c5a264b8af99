// One CSV file of a run folder as the diagnostics see it: by column name, in any column order, as the engine
// wrote it or as a person saved it from a spreadsheet (byte order mark, ';' or tab, decimal commas).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace abr {

// A rule lacks what it needs; what() says what that is.
struct NotJudged : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Whether a file grows by rows or is replaced as a whole.
enum class Growth { appended, replaced };

class RunTable {
  public:
    // Reads nothing yet. text_columns: those whose cells are names; every other one holds numbers.
    RunTable(std::filesystem::path path, Growth, std::vector<std::string> text_columns = {});

    // Reads what has come since the last call. A last line without a line end is half-written: it is left for
    // a later call. Never throws on the file's content: `require` says what is wrong with it.
    void refresh();

    const std::filesystem::path& path() const { return path_; }
    std::string name() const { return path_.filename().string(); }
    bool exists() const { return exists_; }
    std::size_t rows() const { return rows_; }
    bool ends_half_written() const { return half_written_; }
    // Throws NotJudged where the file is missing, is no table or has a broken row.
    void require() const;

    bool has(std::string_view column) const { return find(column) != nullptr; }
    std::vector<std::string> columns() const;
    // Values of a column, empty where the cell is. Throws NotJudged where the file or the column is missing or a
    // cell is no number.
    std::span<const std::optional<double>> numbers(std::string_view column) const;
    std::span<const std::string> texts(std::string_view column) const;  // likewise, of a text column

  private:
    struct Column {
        std::string name;
        bool is_text = false;
        std::vector<std::optional<double>> numbers;
        std::vector<std::string> texts;
        std::string problem;  // the first cell that is no number
    };
    const Column* find(std::string_view column) const;
    const Column& column(std::string_view name) const;
    void restart();
    void read(std::string_view bytes);
    void read_header(std::span<const std::string_view> cells);
    void read_row(std::span<const std::string_view> cells);

    std::filesystem::path path_;
    Growth growth_;
    std::vector<std::string> text_columns_;
    std::vector<Column> columns_;
    std::size_t rows_ = 0;
    std::int64_t line_ = 0;      // of the file, from 1
    std::uintmax_t offset_ = 0;  // bytes read
    std::filesystem::file_time_type changed_{};
    char separator_ = ',';
    bool exists_ = false;
    bool half_written_ = false;
    std::string problem_;  // of the file as a whole
};

}  // namespace abr
