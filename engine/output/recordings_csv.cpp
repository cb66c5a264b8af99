#include "engine/output/recordings_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "engine/output/file.hpp"

namespace abr {
namespace {

// The shortest form of any float ("-1.17549435e-38") or of a double ("-2.2250738585072014e-308") with its comma.
constexpr std::size_t kCellBound = 16, kDoubleCellBound = 25;
constexpr std::size_t kRowsPerTask = 64;

// A text cell, quoted only where RFC 4180 asks for it.
std::string text_cell(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

// Lays out rows as text. Texts are quoted once, before the parallel part.
class RowFormat {
  public:
    RowFormat(const Recordings& recordings, std::span<const std::string> class_names,
              std::span<const NamedColumn> extra)
        : recordings_(recordings), extra_(extra) {
        for (const std::string& patient : recordings.patients) patients_.push_back(text_cell(patient));
        for (const std::string& name : class_names) classes_.push_back(text_cell(name));
        std::size_t longest_text = 0;
        for (const auto* texts : {&patients_, &classes_}) {
            for (const std::string& text : *texts) longest_text = std::max(longest_text, text.size());
        }
        const auto length = static_cast<std::size_t>(recordings.length);
        const std::size_t samples = recordings.has_clean ? 2 * length : length;
        row_bound_ = 2 * (longest_text + 1) + std::strlen("right,") + kDoubleCellBound +
                     (4 + kScalarTasks + samples + extra.size()) * kCellBound;
        check_columns();
    }

    std::size_t row_bound() const { return row_bound_; }  // bytes that no row exceeds

    std::string header() const {
        std::string line = "patient_id,ear,age_years,intensity_db,rate_hz,fmp";
        for (const Component c : kMetricOrder)
            if (recordings_.has_column[c]) line += fmt::format(",{}", task_of(c).label_column);
        line += ",sample_interval_ms";
        for (std::int64_t k = 0; k < recordings_.length; ++k) line += fmt::format(",s{}", k);
        for (std::int64_t k = 0; recordings_.has_clean && k < recordings_.length; ++k)
            line += fmt::format(",c{}", k);
        for (const NamedColumn& column : extra_) line += ',' + text_cell(column.name);
        return line + '\n';
    }

    // Writes the row at `to`, returns its end.
    char* write(std::size_t row, char* to) const {
        const Recordings& r = recordings_;
        to = text(to, patients_[static_cast<std::size_t>(r.patient[row])]);
        to = text(to, r.ear[row] < 0 ? "" : r.ear[row] == 0 ? "left" : "right");
        for (const auto* column : {&r.age_years, &r.intensity_db, &r.rate_hz, &r.fmp})
            to = cell(to, (*column)[row]);
        for (const Component c : kMetricOrder) {
            if (!r.has_column[c]) continue;
            if (is_scalar(c)) {
                to = cell(to, r.scalar[c][row]);
            } else {
                const std::int32_t label = r.label[row];
                to = text(to, label < 0 ? std::string_view() : classes_[static_cast<std::size_t>(label)]);
            }
        }
        to = cell(to, r.sample_interval_ms);
        const auto length = static_cast<std::size_t>(r.length);
        for (std::size_t k = 0; k < length; ++k) to = cell(to, r.signal[row * length + k]);
        for (std::size_t k = 0; r.has_clean && k < length; ++k) to = cell(to, r.clean[row * length + k]);
        for (const NamedColumn& column : extra_) to = cell(to, column.values[row]);
        to[-1] = '\n';  // instead of the last comma
        return to;
    }

  private:
    static char* text(char* to, std::string_view value) {
        to = std::copy(value.begin(), value.end(), to);
        *to++ = ',';
        return to;
    }
    template <class T>
    static char* cell(char* to, T value) {
        if (!std::isnan(value)) to = std::to_chars(to, to + kDoubleCellBound, value).ptr;
        *to++ = ',';
        return to;
    }

    void check_columns() const {
        const auto rows = static_cast<std::size_t>(recordings_.rows);
        const std::size_t samples = rows * static_cast<std::size_t>(recordings_.length);
        bool equal = recordings_.signal.size() == samples &&
                     recordings_.clean.size() == (recordings_.has_clean ? samples : 0);
        for (const NamedColumn& column : extra_) equal = equal && column.values.size() == rows;
        if (!equal) throw std::invalid_argument("write_recordings_csv: columns of unequal length");
        for (const std::int32_t label : recordings_.label) {
            if (label >= static_cast<std::int32_t>(classes_.size())) {
                throw std::invalid_argument(fmt::format("write_recordings_csv: class {} has no name", label));
            }
        }
    }

    const Recordings& recordings_;
    std::span<const NamedColumn> extra_;
    std::vector<std::string> patients_, classes_;
    std::size_t row_bound_ = 0;
};

void write_rows(OutputFile& file, const RowFormat& format, std::size_t rows, cpu::Stream& stream) {
    // A wave of tasks fills buffers of its own, which then go out in row order; memory stays a few tens of MB.
    const std::size_t tasks_per_wave = 4 * static_cast<std::size_t>(stream.threads());
    const std::size_t buffer_size = kRowsPerTask * format.row_bound();
    std::vector<char> buffers(tasks_per_wave * buffer_size + kDoubleCellBound);
    std::vector<std::size_t> used(tasks_per_wave);
    for (std::size_t first = 0; first < rows; first += tasks_per_wave * kRowsPerTask) {
        const std::size_t left = rows - first;
        const std::size_t tasks = std::min(tasks_per_wave, (left + kRowsPerTask - 1) / kRowsPerTask);
        stream.parallel_for(static_cast<Index>(tasks), [&](Index task) {
            const auto t = static_cast<std::size_t>(task);
            char* const begin = buffers.data() + t * buffer_size;
            char* to = begin;
            const std::size_t end = std::min(rows, first + (t + 1) * kRowsPerTask);
            for (std::size_t row = first + t * kRowsPerTask; row < end; ++row) to = format.write(row, to);
            used[t] = static_cast<std::size_t>(to - begin);
        });
        for (std::size_t t = 0; t < tasks; ++t) file.write({buffers.data() + t * buffer_size, used[t]});
    }
}

}  // namespace

void write_recordings_csv(const std::filesystem::path& path, const Recordings& recordings,
                          std::span<const std::string> class_names, cpu::Stream& stream,
                          std::span<const NamedColumn> extra) {
    const RowFormat format(recordings, class_names, extra);
    replace_file_atomically(path, [&](OutputFile& file) {
        file.write(format.header());
        write_rows(file, format, static_cast<std::size_t>(recordings.rows), stream);
    });
}

}  // namespace abr
