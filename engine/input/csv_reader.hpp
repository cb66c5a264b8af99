// Reading recordings from a CSV file (the data contract's columns; see engine/input/csv_tokenizer.hpp for the
// format).
//
// Two passes over the mapped file, both in parallel over its chunks: where records start, then their values.
// A chunk's rows go to a block of its own, and the blocks are joined in the file's order; so the result and
// the error that is reported (the first in the file) do not depend on the number of threads. Memory: at most
// twice the table, besides one chunk for each thread.
#pragma once

#include <cstdint>

#include "engine/config/config.hpp"
#include "engine/input/csv_chunks.hpp"
#include "engine/input/read_recordings.hpp"
#include "engine/recordings.hpp"

namespace abr {

// Fills the counts of the report. Filters come first: what they drop is counted and never bad. A class may be
// a name, an alias or an index; a recording's wave V exists where its latency is not missing; a clean signal
// whose samples are all missing is kept as NaN. Blank lines are no rows. InputError as in read_recordings.
Recordings read_csv_recordings(const DataConfig& config, int threads, ReadReport& report,
                               std::int64_t chunk_bytes = kCsvChunkBytes);

}  // namespace abr
