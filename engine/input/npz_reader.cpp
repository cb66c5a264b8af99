#include "engine/input/npz_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.hpp"
#include "engine/formats/npz.hpp"
#include "engine/input/csv_chunks.hpp"
#include "engine/input/file_kind.hpp"
#include "engine/input/row_joiner.hpp"
#include "engine/input/row_reader.hpp"
#include "engine/input/table_columns.hpp"
#include "engine/output/csv.hpp"

namespace abr {
namespace {

constexpr std::string_view kExpected = "arrays that numpy.savez or numpy.savez_compressed wrote";

[[noreturn]] void wrong_shape(const TableSource& source, const std::string& name, const NpyArray& array,
                              std::string_view expected, std::string_view remedy) {
    throw InputError(column_message(source, 0, name, fmt::format("shape ({})", fmt::join(array.shape, ", ")),
                                    expected, remedy));
}

// Samples of all rows, (rows, length).
struct Samples {
    std::int64_t rows = 0, length = 0;
    std::vector<float> values;  // uV

    std::span<const float> row(std::int64_t r) const {
        if (values.empty()) return {};
        return std::span(values).subspan(static_cast<std::size_t>(r * length),
                                         static_cast<std::size_t>(length));
    }
};

Samples read_samples(const TableSource& source, const NpzFile& file, const std::string& name) {
    const NpyArray array = file.array(name);
    if (array.shape.size() != 2 || array.shape[1] == 0) {
        wrong_shape(source, name, array, "(recordings, samples)",
                    "save one row of samples for each recording");
    }
    return {array.shape[0], array.shape[1], array.to_floats()};
}

// A field's array as cells of text, so that one set of rules judges it and a CSV file's.
class TextColumn {
  public:
    TextColumn(const TableSource& source, const NpzFile& file, const std::string& name, std::int64_t rows,
               bool may_be_single) {
        const NpyArray array = file.array(name);
        single_ = may_be_single && array.size() == 1;
        if (!single_ && (array.shape.size() != 1 || array.shape[0] != rows)) {
            wrong_shape(source, name, array, fmt::format("({}) as signal has rows", rows),
                        "save one value for each recording");
        }
        if (array.is_text()) {
            cells_ = array.to_strings();
            check_text(source, name);
        } else if (array.kind == 'f' && array.item_size == sizeof(float)) {
            add_numbers(array.to_floats());
        } else if (array.kind == 'f') {
            add_numbers(array.to_doubles());
        } else {
            for (const std::int64_t value : array.to_integers()) cells_.push_back(std::to_string(value));
        }
    }

    std::string_view cell(std::int64_t row) const {
        return cells_[single_ ? 0 : static_cast<std::size_t>(row)];
    }

  private:
    template <class Real>
    void add_numbers(const std::vector<Real>& values) {
        for (const Real value : values)
            cells_.push_back(std::isnan(value) ? std::string() : shortest_number(value));
    }

    void check_text(const TableSource& source, const std::string& name) const {
        for (std::size_t r = 0; r < cells_.size(); ++r) {
            if (find_text_flaw(cells_[r]) == nullptr) continue;
            throw InputError(column_message(source, static_cast<std::int64_t>(r) + 1, name,
                                            "bytes that are no text", "text in UTF-8",
                                            "save the array as text with .astype(str)"));
        }
    }

    bool single_ = false;
    std::vector<std::string> cells_;
};

// The columns whose cells are read; null where the array is not asked for or holds samples.
std::vector<std::optional<TextColumn>> read_columns(const TableSource& source, const NpzFile& file,
                                                    const TableColumns& columns, std::int64_t rows) {
    std::vector<std::optional<TextColumn>> texts(columns.names.size());
    const auto read = [&](int column, bool may_be_single) {
        auto& text = texts[static_cast<std::size_t>(column)];
        if (!text) text.emplace(source, file, columns.name(column), rows, may_be_single);
    };
    for (std::size_t i = 0; i < kTableFields; ++i) {
        const auto field = static_cast<TableField>(i);
        if (columns.has(field)) read(columns[field], field == TableField::sample_interval_ms);
    }
    for (const Component c : kAllComponents)
        if (columns.has(c)) read(columns.label[c], false);
    for (const int column : columns.filter) read(column, false);
    return texts;
}

}  // namespace

Recordings read_npz_recordings(const DataConfig& config, ReadReport& report) {
    const TableSource source(config.path, TableForm::arrays);
    const std::string begin = first_bytes(config.path);
    if (!begin.empty() && !is_npz(begin)) {
        const ForeignFile foreign = foreign_file(config.path, begin);
        if (!foreign.what.empty())
            throw InputError(file_message(config.path, foreign.what, kExpected, foreign.way_in));
        throw InputError(file_message(config.path, "no .npz file: it does not begin as a zip archive does",
                                      kExpected, "read a CSV file with data.source = \"csv\""));
    }
    const NpzFile file = NpzFile::open(config.path);
    const TableColumns columns = resolve_columns(source, file.names(), config);

    const Samples signal = read_samples(source, file, columns.name(columns.signal.front()));
    Samples clean;
    if (!columns.clean.empty()) {
        const std::string& name = columns.name(columns.clean.front());
        clean = read_samples(source, file, name);
        if (clean.rows != signal.rows || clean.length != signal.length) {
            throw InputError(column_message(source, 0, name,
                                            fmt::format("shape ({}, {})", clean.rows, clean.length),
                                            fmt::format("({}, {}) as signal has", signal.rows, signal.length),
                                            "save both with equal shapes"));
        }
    }
    report.suspicions = columns.hints;
    const auto texts = read_columns(source, file, columns, signal.rows);

    const RowReader reader(source, columns, {.separator = ',', .decimal = '.'}, config);
    RowBlock block;
    block.recordings.signal.reserve(signal.values.size());
    block.recordings.clean.reserve(clean.values.size());
    std::vector<std::string_view> cells(columns.names.size());
    for (std::int64_t r = 0; r < signal.rows; ++r) {
        for (std::size_t c = 0; c < cells.size(); ++c)
            if (texts[c]) cells[c] = texts[c]->cell(r);
        reader.read(cells, signal.row(r), clean.row(r), r + 1, block);
    }
    RowJoiner joiner(source, columns, config, signal.length);
    joiner.add(block);
    return joiner.finish(report);
}

}  // namespace abr
