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
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/row_joiner.hpp"
#include "engine/input/row_reader.hpp"
#include "engine/input/table_columns.hpp"
#include "engine/input/table_message.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

struct Header {
    std::vector<std::string> names;
    std::string_view rows;  // the text after it
    std::int64_t rows_line = 0;
};

Header read_header(const CsvFile& file, char separator) {
    const std::string_view text = file.text();
    const char* const end = text.data() + text.size();
    if (text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos) {
        throw InputError(file_message(file.path(), "lines end with a carriage return alone",
                                      "lines that end with a line feed",
                                      "convert the file with `tr '\\r' '\\n'` or save it as CSV UTF-8"));
    }
    CsvTokenizer tokenizer(separator);
    const char* rows = tokenizer.read(text.data(), end);
    const std::string_view record(text.data(), static_cast<std::size_t>(rows - text.data()));
    if (const char* flaw = find_text_flaw(record)) {
        throw_text_flaw(file.path(), text, text.data(), 1, flaw, separator, {});
    }
    Header header;
    header.names.assign(tokenizer.cells().begin(), tokenizer.cells().end());
    header.rows = text.substr(record.size());
    header.rows_line = 1 + tokenizer.line_ends();
    return header;
}

// Signal and clean signal, where their samples stand side by side and no filter looks at them: a filter needs text.
// Run 0 is the signal's, run 1 the clean signal's; neither or both are there.
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

// Rows of the table that [begin, end) of the text can give at most: a row takes a line, and as a cell is followed by a
// separator or a line end, so many bytes at least.
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
        if (!tokenizer.is_blank()) reader.read(tokenizer, line, block);
    }
}

// Joins what the tasks leave behind in the file's order, while others still read: whoever has finished a chunk joins
// all that follow on the last one joined, unless somebody is at it already.
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

}  // namespace

Recordings read_csv_recordings(const DataConfig& config, int threads, ReadReport& report,
                               std::int64_t chunk_bytes) {
    const CsvFile file(config.path);
    const char separator = detect_separator(file.path(), file.text());
    Header header = read_header(file, separator);
    cpu::Stream stream(threads);
    const std::vector<CsvChunk> chunks =
        cut_into_chunks(file, header.rows, header.rows_line, separator, header.names, chunk_bytes, stream);
    const TableColumns columns = resolve_columns(file.path(), std::move(header.names), config);
    const CsvDialect dialect{separator, detect_decimal_mark(header.rows, separator, columns)};
    const TableSource source(file.path());
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
