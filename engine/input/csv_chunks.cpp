#include "engine/input/csv_chunks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "engine/error.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none (Unicode 15, table 3-7).
int sequence_length(const unsigned char* at, const unsigned char* end) {
    const unsigned char lead = *at;
    if (lead < 0x80U) return 1;
    int length = 0;
    unsigned char low = 0x80U;
    unsigned char high = 0xBFU;
    if (lead >= 0xC2U && lead <= 0xDFU) {
        length = 2;
    } else if (lead >= 0xE0U && lead <= 0xEFU) {
        length = 3;
        if (lead == 0xE0U) low = 0xA0U;
        if (lead == 0xEDU) high = 0x9FU;
    } else if (lead >= 0xF0U && lead <= 0xF4U) {
        length = 4;
        if (lead == 0xF0U) low = 0x90U;
        if (lead == 0xF4U) high = 0x8FU;
    }
    if (length == 0 || end - at < length || at[1] < low || at[1] > high) return 0;
    for (int i = 2; i < length; ++i) {
        if (at[i] < 0x80U || at[i] > 0xBFU) return 0;
    }
    return length;
}

// What a scan of one chunk tells.
struct ChunkScan {
    bool ends_quoted[2] = {false, true};  // if it starts with a record; if it starts within quotes
    const char* flaw = nullptr;
};

bool ends_quoted(const CsvChunk& chunk, char separator, bool starts_quoted) {
    CsvState state = starts_quoted ? CsvState::quoted : CsvState::cell_start;
    const char* at = chunk.begin;
    while (at < chunk.end) at = find_record_end(at, chunk.end, separator, state);
    return state == CsvState::quoted;
}

std::int64_t count_line_ends(std::string_view text) {
    std::int64_t count = 0;
    // Lines of recordings are long: memchr goes through them faster than std::count.
    for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) ++count;
    return count;
}

ChunkScan scan(CsvChunk& chunk, char separator) {
    ChunkScan result;
    const std::string_view text(chunk.begin, static_cast<std::size_t>(chunk.end - chunk.begin));
    chunk.line_ends = count_line_ends(text);
    result.flaw = find_text_flaw(text);
    if (text.find('"') != std::string_view::npos) {
        result.ends_quoted[0] = ends_quoted(chunk, separator, false);
        result.ends_quoted[1] = ends_quoted(chunk, separator, true);
    }
    return result;
}

std::vector<CsvChunk> cut_after_line_ends(std::string_view text, std::int64_t chunk_bytes) {
    std::vector<CsvChunk> chunks;
    const char* const end = text.data() + text.size();
    for (const char* begin = text.data(); begin < end;) {
        CsvChunk chunk;
        chunk.begin = begin;
        chunk.end = end;
        if (end - begin > chunk_bytes) {
            const char* from = begin + chunk_bytes - 1;
            const void* line_end = std::memchr(from, '\n', static_cast<std::size_t>(end - from));
            if (line_end != nullptr) chunk.end = static_cast<const char*>(line_end) + 1;
        }
        chunks.push_back(chunk);
        begin = chunk.end;
    }
    return chunks;
}

// Start of a record, and its line in the file.
struct RecordStart {
    const char* at = nullptr;
    std::int64_t line = 0;
};

// The record in which `target` lies, which is not before `from`.
RecordStart record_around(RecordStart from, const char* target, const char* text_end, char separator) {
    for (;;) {
        CsvState state = CsvState::cell_start;
        const char* next = find_record_end(from.at, text_end, separator, state);
        if (next > target || next == text_end) return from;
        from = {next, from.line + std::count(from.at, next, '\n')};
    }
}

std::string column_name(std::size_t index, const std::vector<std::string>& header) {
    return index < header.size() ? header[index] : fmt::format("number {}", index + 1);
}

[[noreturn]] void throw_open_quote(const std::filesystem::path& path, RecordStart record,
                                   const char* text_end, char separator,
                                   const std::vector<std::string>& header) {
    CsvTokenizer tokenizer(separator);
    tokenizer.read(record.at, text_end);
    throw InputError(cell_message(path, record.line, column_name(tokenizer.cells().size() - 1, header),
                                  tokenizer.cells().back(),
                                  "the quote that opens the cell to be closed again",
                                  "close it, or double a quote that is meant as text"));
}

}  // namespace

const char* find_text_flaw(std::string_view text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const unsigned char* const end = at + text.size();
    while (at < end) {
        // 64 plain characters at once, then eight: no byte with the high bit, and none that is zero.
        if (end - at >= 64) {
            unsigned char high = 0;
            unsigned char zero = 0;
            for (int i = 0; i < 64; ++i) {  // which the compiler vectorises
                high |= at[i];
                zero |= static_cast<unsigned char>(at[i] == 0);
            }
            if (high < 0x80U && zero == 0) {
                at += 64;
                continue;
            }
        }
        std::uint64_t word = 0;
        if (end - at >= 8) {
            std::memcpy(&word, at, 8);
            constexpr std::uint64_t kHigh = 0x8080808080808080U;
            constexpr std::uint64_t kOnes = 0x0101010101010101U;
            if (((word | (word - kOnes)) & kHigh) == 0) {
                at += 8;
                continue;
            }
        }
        const int length = *at == 0 ? 0 : sequence_length(at, end);
        if (length == 0) return reinterpret_cast<const char*>(at);
        at += length;
    }
    return nullptr;
}

void throw_text_flaw(const std::filesystem::path& path, std::string_view text, const char* record,
                     std::int64_t line, const char* flaw, char separator,
                     const std::vector<std::string>& header) {
    // The cell is the last one of the record as far as the flaw.
    CsvTokenizer tokenizer(separator);
    tokenizer.read(record, flaw);
    const std::size_t index = tokenizer.cells().size() - 1;
    const std::string column = column_name(index, header);
    const std::int64_t flaw_line = line + std::count(record, flaw, '\n');
    if (*flaw == '\0') {
        throw InputError(column_message(path, flaw_line, column, "a NUL byte: this is a binary file",
                                        "text in UTF-8", "export the data as CSV UTF-8"));
    }
    const char* const end = text.data() + text.size();
    std::string bytes;
    for (const char* at = flaw; at < std::min(flaw + 4, end) && static_cast<unsigned char>(*at) >= 0x80U;
         ++at) {
        bytes += fmt::format("\\x{:02X}", static_cast<unsigned char>(*at));
    }
    const std::string_view before = tokenizer.cells().back();
    throw InputError(cell_message(path, flaw_line, column, std::string(before) + bytes, "text in UTF-8",
                                  "save the file as CSV UTF-8 or convert it, e.g. with "
                                  "`iconv -f WINDOWS-1254 -t UTF-8` for a Turkish one"));
}

std::vector<CsvChunk> cut_into_chunks(const CsvFile& file, std::string_view text, std::int64_t first_line,
                                      char separator, const std::vector<std::string>& header,
                                      std::int64_t chunk_bytes, cpu::Stream& stream) {
    const std::filesystem::path& path = file.path();
    std::vector<CsvChunk> chunks = cut_after_line_ends(text, chunk_bytes);
    std::vector<ChunkScan> scans(chunks.size());
    stream.parallel_for(static_cast<Index>(chunks.size()), [&](Index i) {
        const auto index = static_cast<std::size_t>(i);
        scans[index] = scan(chunks[index], separator);
        file.release(chunks[index].begin, chunks[index].end);
    });

    const char* const end = text.data() + text.size();
    bool quoted = false;
    std::int64_t line = first_line;
    RecordStart known{text.data(), first_line};  // from which the record of an error is looked for
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        CsvChunk& chunk = chunks[i];
        const char* const flaw = scans[i].flaw;
        CsvState state = CsvState::quoted;
        chunk.first_record = quoted ? find_record_end(chunk.begin, chunk.end, separator, state) : chunk.begin;
        chunk.first_line = line + std::count(chunk.begin, chunk.first_record, '\n');
        const bool in_earlier_record = flaw != nullptr && flaw < chunk.first_record;
        if (chunk.first_record < chunk.end && !in_earlier_record)
            known = {chunk.first_record, chunk.first_line};
        if (flaw != nullptr) {
            const RecordStart record = record_around(known, flaw, end, separator);
            throw_text_flaw(path, text, record.at, record.line, flaw, separator, header);
        }
        line += chunk.line_ends;
        quoted = scans[i].ends_quoted[quoted ? 1 : 0];
    }
    if (quoted) throw_open_quote(path, record_around(known, end, end, separator), end, separator, header);
    return chunks;
}

}  // namespace abr
