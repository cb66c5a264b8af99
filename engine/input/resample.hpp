// Bringing recordings to another sample interval and length.
#pragma once

#include <cstdint>

#include "engine/recordings.hpp"

namespace abr {

// The recordings with `length` samples every `sample_interval_ms`, both at (k + 1/2) intervals after the stimulus.
// A sample is the mean of the old ones around it, weighed by a triangle whose half width is the larger of both
// intervals: linear interpolation to a finer grid, and a low-pass filter against aliasing to a coarser one.
// What lies beyond the new end is cut off. Latencies are times and stay.
// InputError where the recordings end more than half an old interval before the new end.
Recordings resampled(Recordings, double sample_interval_ms, std::int64_t length);

}  // namespace abr
