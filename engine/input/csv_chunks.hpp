// Cutting CSV text into chunks that can be parsed side by side.
//
// Whether a line end closes a record depends on the quotes before it. Just after a line end there are only
// two possibilities: a record starts, or a quoted cell goes on. Every chunk therefore starts after a line end
// and is scanned for both; going through the chunks in order then tells which one holds. The cut depends on
// the text alone, never on the number of threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/input/csv_file.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {

inline constexpr std::int64_t kCsvChunkBytes = std::int64_t{1} << 20;

// A chunk owns the records that start in it.
struct CsvChunk {
    const char* begin = nullptr;
    const char* end = nullptr;
    const char* first_record = nullptr;  // = end where none starts in it
    std::int64_t first_line = 0;         // line of the file in which first_record starts, 1-based
    std::int64_t line_ends = 0;          // in [begin, end), within quotes too
};

// Text in which nothing wrong was found: the first byte that is not UTF-8 or is NUL, or nullptr.
const char* find_text_flaw(std::string_view text);

// InputError for the flaw at `flaw` in the record that starts at `record` in line `line`; names the column by
// its header, or by its number where the flaw is in the header.
[[noreturn]] void throw_text_flaw(const std::filesystem::path& path, std::string_view text,
                                  const char* record, std::int64_t line, const char* flaw, char separator,
                                  const std::vector<std::string>& header);

// Cuts `text`, the part of the file that starts with a record in line `first_line`, into chunks of about
// `chunk_bytes`. InputError for bytes that are no text and for a quote that is never closed.
std::vector<CsvChunk> cut_into_chunks(const CsvFile& file, std::string_view text, std::int64_t first_line,
                                      char separator, const std::vector<std::string>& header,
                                      std::int64_t chunk_bytes, cpu::Stream& stream);

}  // namespace abr
