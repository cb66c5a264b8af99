#include "engine/input/csv_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.hpp"
#include "engine/input/csv_dialect.hpp"
#include "engine/input/csv_file.hpp"
#include "engine/input/csv_header.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/row_joiner.hpp"
#include "engine/input/row_reader.hpp"
#include "engine/input/table_columns.hpp"
#include "engine/input/table_message.hpp"
#include "engine/input/units_row.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

// Signal and clean signal, where their samples stand side by side and no filter looks at them: a filter needs
// text. Run 0 is the signal's, run 1 the clean signal's; neither or both are there.
std::vector<NumberRun> sample_runs(const TableColumns& columns) {
    std::vector<NumberRun> runs;
    for (const std::vector<int>* samples : {&columns.signal, &columns.clean}) {
        if (samples->empty()) continue;
        const int first = samples->front(), last = samples->back();
        for (std::size_t k = 0; k < samples->size(); ++k)
            if ((*samples)[k] != first + static_cast<int>(k)) return {};
        for (const int filter : columns.filter)
            if (filter >= first && filter <= last) return {};
        runs.push_back({static_cast<std::size_t>(first), samples->size()});
    }
    return std::ranges::is_sorted(runs, {}, &NumberRun::first) ? runs : std::vector<NumberRun>{};
}

// Rows of the table that [begin, end) of the text can give at most: a row takes a line, and as a cell is
// followed by a separator or a line end, so many bytes at least.
std::int64_t most_rows(const char* begin, const char* end, std::int64_t line_ends,
                       const TableColumns& columns) {
    const auto row_bytes = static_cast<std::int64_t>(columns.names.size() + columns.signal.size());
    return std::min(line_ends, (end - begin) / row_bytes) + 1;
}

void read_chunk(const CsvChunk& chunk, const char* text_end, const RowReader& reader, CsvDialect dialect,
                const TableColumns& columns, RowBlock& block) {
    const auto rows =
        static_cast<std::size_t>(most_rows(chunk.first_record, chunk.end, chunk.line_ends, columns));
    block.recordings.signal.reserve(rows * columns.signal.size());
    block.recordings.clean.reserve(rows * columns.clean.size());

    CsvTokenizer tokenizer(dialect.separator, dialect.decimal, sample_runs(columns));
    std::int64_t line = chunk.first_line;
    for (const char* at = chunk.first_record; at < chunk.end; line += tokenizer.line_ends()) {
        at = tokenizer.read(at, text_end);
        reader.read(tokenizer, line, block);
    }
}

// Joins what the tasks leave behind in the file's order, while others still read: whoever has finished a
// chunk joins all that follow on the last one joined, unless somebody is at it already.
class JoinInOrder {
  public:
    JoinInOrder(RowJoiner& joiner, std::size_t chunks) : joiner_(joiner), parts_(chunks) {}

    // The rows of chunk `index` up to its end, or to an error.
    void add(std::size_t index, RowBlock block, std::exception_ptr error) {
        Part& part = parts_[index];
        part.block = std::move(block);
        part.error = std::move(error);
        part.is_read = true;
        const std::unique_lock lock(joining_, std::try_to_lock);
        if (lock) join();
    }
    // To be called when every chunk was added. Throws the first error of the file.
    void finish() {
        join();
        if (error_) std::rethrow_exception(error_);
    }

  private:
    struct Part {
        RowBlock block;
        std::exception_ptr error;
        std::atomic<bool> is_read = false;
    };

    void join() {
        for (; joined_ < parts_.size() && parts_[joined_].is_read && !error_; ++joined_) {
            Part& part = parts_[joined_];
            try {
                joiner_.add(part.block, part.error);
                part.block = {};
            } catch (...) {
                error_ = std::current_exception();
            }
        }
    }

    RowJoiner& joiner_;
    std::vector<Part> parts_;
    std::mutex joining_;  // of what follows
    std::size_t joined_ = 0;
    std::exception_ptr error_;
};

void read_chunks(const CsvFile& file, const std::vector<CsvChunk>& chunks, const RowReader& reader,
                 CsvDialect dialect, const TableColumns& columns, cpu::Stream& stream, RowJoiner& joiner) {
    JoinInOrder joining(joiner, chunks.size());
    const char* const text_end = file.text().data() + file.text().size();
    std::atomic<Index> first_error = static_cast<Index>(chunks.size());
    stream.parallel_for(static_cast<Index>(chunks.size()), [&](Index i) {
        if (i > first_error.load()) return;  // the error that is reported lies before this chunk
        const auto index = static_cast<std::size_t>(i);
        RowBlock block;
        std::exception_ptr error;
        try {
            read_chunk(chunks[index], text_end, reader, dialect, columns, block);
        } catch (...) {
            error = std::current_exception();
            Index known = first_error.load();
            while (i < known && !first_error.compare_exchange_weak(known, i)) {
            }
        }
        file.release(chunks[index].begin, chunks[index].end);
        joining.add(index, std::move(block), std::move(error));
    });
    joining.finish();
}

// Leaves out what stands between the header and the first recording.
void skip_to_data(const TableSource& source, CsvHeader& header, const TableColumns& columns,
                  const DataConfig& config, ReadReport& report) {
    const auto skip_one = [&](const auto& is_skipped) {
        CsvTokenizer tokenizer(header.separator);
        const char* const end = header.rows.data() + header.rows.size();
        const char* const next = tokenizer.read(header.rows.data(), end);
        if (header.rows.empty() || !is_skipped(tokenizer)) return false;
        header.rows = {next, static_cast<std::size_t>(end - next)};
        header.rows_line += tokenizer.line_ends();
        return true;
    };
    for (int i = 0; i < config.skip_rows; ++i)
        if (skip_one([](const CsvTokenizer&) { return true; })) ++report.skipped["skipped_rows"];
    while (skip_one([](const CsvTokenizer& row) { return row.is_blank() && row.cells().size() == 1; })) {
    }
    if (skip_one([&](const CsvTokenizer& row) {
            return is_units_row(source, header.rows_line, row.cells(), columns, config);
        }))
        ++report.skipped["unit_rows"];
}

}  // namespace

Recordings read_csv_recordings(const DataConfig& config, int threads, ReadReport& report,
                               std::int64_t chunk_bytes) {
    const CsvFile file(config.path);
    const std::string wanted[] = {config.columns.patient_id, config.columns.intensity_db};
    CsvHeader header = find_csv_header(file, config.header_line, wanted);
    if (header.line > 1) report.skipped["lines_before_header"] = header.line - 1;
    const char separator = header.separator;
    const TableSource source(file.path(), TableForm::text, header.line);
    cpu::Stream stream(threads);
    const TableColumns columns = resolve_columns(source, std::move(header.names), config);
    skip_to_data(source, header, columns, config, report);
    const std::vector<CsvChunk> chunks =
        cut_into_chunks(file, header.rows, header.rows_line, separator, columns.names, chunk_bytes, stream);
    const CsvDialect dialect{separator, detect_decimal_mark(header.rows, separator, columns)};
    report.suspicions = columns.hints;
    if (const std::string grouped = grouped_digits(header.rows, dialect, columns); !grouped.empty()) {
        report.suspicions.push_back({"grouped_digits",
                                     columns.name(columns.signal.front()),
                                     1,
                                     fmt::format("samples such as {}: the `{}` seems to stand between "
                                                 "thousands and is read as the decimal mark",
                                                 grouped, dialect.decimal),
                                     "save the samples without marks between thousands",
                                     {}});
    }
    const RowReader reader(source, columns, dialect, config);
    RowJoiner joiner(source, columns, config, static_cast<std::int64_t>(columns.signal.size()));
    std::int64_t line_ends = 0;
    for (const CsvChunk& chunk : chunks) line_ends += chunk.line_ends;
    const std::string_view rows = header.rows;
    joiner.reserve(most_rows(rows.data(), rows.data() + rows.size(), line_ends, columns));
    read_chunks(file, chunks, reader, dialect, columns, stream, joiner);
    return joiner.finish(report);
}

}  // namespace abr
