#include "engine/data/csv_reader.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <exception>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/data/csv_columns.hpp"
#include "engine/data/csv_dialect.hpp"
#include "engine/data/csv_file.hpp"
#include "engine/data/csv_message.hpp"
#include "engine/data/csv_rows.hpp"
#include "engine/data/csv_tokenizer.hpp"
#include "engine/error.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

// Two statements of the sample interval agree if they differ by no more than a float's rounding.
constexpr double kIntervalTolerance = 1e-6;

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

void read_chunk(const CsvChunk& chunk, const char* text_end, const CsvRowReader& reader, char separator,
                const CsvColumns& columns, CsvBlock& block) {
    // A cell takes at least two bytes with its separator. What is reserved too much is never touched.
    const auto rows =
        static_cast<std::size_t>(chunk.end - chunk.first_record) / (2 * columns.names.size()) + 1;
    block.recordings.signal.reserve(rows * columns.signal.size());
    block.recordings.clean.reserve(rows * columns.clean.size());

    CsvTokenizer tokenizer(separator);
    std::int64_t line = chunk.first_line;
    for (const char* at = chunk.first_record; at < chunk.end; line += tokenizer.line_ends()) {
        at = tokenizer.read(at, text_end);
        if (!tokenizer.is_blank()) reader.read(tokenizer, line, block);
    }
}

// What a task leaves behind: the rows up to the chunk's end or to an error.
struct ChunkResult {
    CsvBlock block;
    std::exception_ptr error;
};

std::vector<ChunkResult> read_chunks(const CsvFile& file, const std::vector<CsvChunk>& chunks,
                                     const CsvRowReader& reader, char separator, const CsvColumns& columns,
                                     cpu::Stream& stream) {
    std::vector<ChunkResult> results(chunks.size());
    const char* const text_end = file.text().data() + file.text().size();
    std::atomic<Index> first_error = static_cast<Index>(chunks.size());
    stream.parallel_for(static_cast<Index>(chunks.size()), [&](Index i) {
        if (i > first_error.load()) return;  // the error that is reported lies before this chunk
        const auto index = static_cast<std::size_t>(i);
        try {
            read_chunk(chunks[index], text_end, reader, separator, columns, results[index].block);
        } catch (...) {
            results[index].error = std::current_exception();
            Index known = first_error.load();
            while (i < known && !first_error.compare_exchange_weak(known, i)) {
            }
        }
        file.release(chunks[index].begin, chunks[index].end);
    });
    return results;
}

// Joins the blocks, in the file's order.
class Joiner {
  public:
    Joiner(const CsvFile& file, const CsvColumns& columns, const DataConfig& config)
        : file_(file), columns_(columns), config_(config) {
        if (config.sample_interval_ms) interval_ = *config.sample_interval_ms;
        all_.length = static_cast<std::int64_t>(columns.signal.size());
        all_.has_clean = !columns.clean.empty();
        all_.has_class_column = columns.has(CsvField::class_name);
        all_.has_latency_column = columns.has(CsvField::wave_v_latency_ms);
        all_.has_amplitude_column = columns.has(CsvField::wave_v_amplitude_uv);
        all_.has_threshold_column = columns.has(CsvField::threshold_db);
    }

    void reserve(std::int64_t rows) {
        all_.signal.reserve(static_cast<std::size_t>(rows) * columns_.signal.size());
        all_.clean.reserve(static_cast<std::size_t>(rows) * columns_.clean.size());
    }

    // Rethrows the error of the result, after the rows before it were checked against those of earlier
    // chunks.
    void add(ChunkResult& result, ReadReport& report) {
        CsvBlock& block = result.block;
        check_interval(block);
        if (result.error) std::rethrow_exception(result.error);
        Recordings& from = block.recordings;
        for (std::int64_t& row : from.source_row) row += report.read;
        std::vector<std::int32_t> patient_of;  // the block's index -> the table's
        for (const std::string& name : from.patients) {
            const auto [at, is_new] =
                patients_.try_emplace(name, static_cast<std::int32_t>(all_.patients.size()));
            if (is_new) all_.patients.push_back(name);
            patient_of.push_back(at->second);
        }
        for (std::int32_t& patient : from.patient) patient = patient_of[static_cast<std::size_t>(patient)];

        all_.rows += from.rows;
        move_to(all_.source_row, from.source_row);
        move_to(all_.patient, from.patient);
        move_to(all_.ear, from.ear);
        move_to(all_.age_years, from.age_years);
        move_to(all_.intensity_db, from.intensity_db);
        move_to(all_.rate_hz, from.rate_hz);
        move_to(all_.fmp, from.fmp);
        move_to(all_.label, from.label);
        move_to(all_.wave_v_latency_ms, from.wave_v_latency_ms);
        move_to(all_.wave_v_amplitude_uv, from.wave_v_amplitude_uv);
        move_to(all_.threshold_db, from.threshold_db);
        move_to(all_.signal, from.signal);
        move_to(all_.clean, from.clean);

        report.read += block.read;
        report.filtered += block.filtered;
        report.used += from.rows;
        for (const auto& [reason, part] : block.rejected) {
            Rejection& whole = report.rejected[std::string(reason)];
            whole.count += part.count;
            for (const std::int64_t line : part.lines) {
                if (whole.lines.size() < kRejectionLines) whole.lines.push_back(line);
            }
        }
        if (first_rejection_.empty()) first_rejection_ = block.first_rejection;
    }

    Recordings finish(const ReadReport& report) {
        check_rows(report);
        all_.sample_interval_ms = *interval_;
        return std::move(all_);
    }

  private:
    template <class T>
    static void move_to(std::vector<T>& to, std::vector<T>& from) {
        to.insert(to.end(), from.begin(), from.end());
        std::vector<T>().swap(from);  // gives the memory back at once
    }

    void check_interval(const CsvBlock& block) {
        for (std::size_t i = 0; i < block.sample_interval_ms.size(); ++i) {
            const double found = block.sample_interval_ms[i];
            if (!interval_) interval_ = found;
            if (std::abs(found - *interval_) <= kIntervalTolerance * *interval_) continue;
            const std::string& column = columns_.name(columns_[CsvField::sample_interval_ms]);
            const std::string value = fmt::format("{}", found);
            if (config_.sample_interval_ms) {
                throw InputError(cell_message(file_.path(), block.lines[i], column, value,
                                              fmt::format("{} as data.sample_interval_ms says", *interval_),
                                              "correct the setting or leave it out; the column suffices"));
            }
            throw InputError(
                cell_message(file_.path(), block.lines[i], column, value,
                             fmt::format("{} as in the rows before it", *interval_),
                             "resample the recordings to one interval, or read one kind with a filter"));
        }
    }

    void check_rows(const ReadReport& report) const {
        if (report.read == 0) {
            throw InputError(file_message(file_.path(), "no rows after the header",
                                          "one row for each recording", "export the data again"));
        }
        if (report.filtered == report.read) {
            throw InputError(file_message(file_.path(),
                                          fmt::format("the filters leave none of {} rows", report.read),
                                          "at least one recording", "correct [data.filters]"));
        }
        const std::int64_t judged = report.read - report.filtered;
        const std::int64_t rejected = judged - report.used;
        if (report.used == 0 ||
            static_cast<double>(rejected) > config_.max_bad_fraction * static_cast<double>(judged)) {
            throw InputError(
                file_message(file_.path(), rejection_summary(report, rejected, judged),
                             fmt::format("no more than data.max_bad_fraction = {} of the rows, and one "
                                         "row that is used",
                                         config_.max_bad_fraction),
                             "correct the rows; the first one is " + first_rejection_));
        }
    }

    static std::string rejection_summary(const ReadReport& report, std::int64_t rejected,
                                         std::int64_t judged) {
        std::string text = fmt::format("{} of {} rows are bad", rejected, judged);
        for (const auto& [reason, rejection] : report.rejected) {
            text += fmt::format(", {} {} (from line {})", rejection.count, reason, rejection.lines.front());
        }
        return text;
    }

    const CsvFile& file_;
    const CsvColumns& columns_;
    const DataConfig& config_;
    Recordings all_;
    std::unordered_map<std::string, std::int32_t> patients_;
    std::optional<double> interval_;  // ms
    std::string first_rejection_;
};

}  // namespace

Recordings read_csv_recordings(const DataConfig& config, int threads, ReadReport& report,
                               std::int64_t chunk_bytes) {
    const CsvFile file(config.path);
    const char separator = detect_separator(file.path(), file.text());
    Header header = read_header(file, separator);
    cpu::Stream stream(threads);
    const std::vector<CsvChunk> chunks =
        cut_into_chunks(file, header.rows, header.rows_line, separator, header.names, chunk_bytes, stream);
    const CsvColumns columns = resolve_columns(file.path(), std::move(header.names), config);
    const CsvDialect dialect{separator, detect_decimal_mark(header.rows, separator, columns)};
    const CsvRowReader reader(file.path(), columns, dialect, config);
    std::vector<ChunkResult> results = read_chunks(file, chunks, reader, separator, columns, stream);

    report = {};
    Joiner joiner(file, columns, config);
    std::int64_t rows = 0;
    for (const ChunkResult& result : results) rows += result.block.recordings.rows;
    joiner.reserve(rows);
    for (ChunkResult& result : results) joiner.add(result, report);
    return joiner.finish(report);
}

}  // namespace abr
