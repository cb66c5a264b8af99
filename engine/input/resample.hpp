// Bringing recordings to another sample interval and length.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/recordings.hpp"

namespace abr {

// The recordings with `length` samples every `sample_interval_ms`, both at (k + 1/2) intervals after the stimulus.
// A sample is the mean of the old ones around it, weighed by a triangle whose half width is the larger of both
// intervals: linear interpolation to a finer grid, and a low-pass filter against aliasing to a coarser one.
// What lies beyond the new end is cut off. Latencies are times and stay.
// InputError where the recordings end more than half an old interval before the new end.
Recordings resampled(Recordings, double sample_interval_ms, std::int64_t length);

// When samples were taken, relative to the stimulus.
struct SampleTimes {
    double first_ms = 0;
    double interval_ms = 0;
    std::int64_t length = 0;

    double operator[](std::int64_t sample) const {
        return first_ms + static_cast<double>(sample) * interval_ms;
    }
};

// The samples that make a new one, and their weights, which add to 1.
struct Taps {
    std::int64_t first = 0;
    std::vector<double> weights;
};

// Reads recordings at other times, as if the signal between the samples were known: a sinc under a Kaiser window
// (Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5), kHalfWidth to both sides, -6 dB at
// 0.85 of the coarser grid's Nyquist frequency and at most -75 dB from that frequency on, so that nothing is folded
// back. Costs more than `resampled` and keeps what lies below 0.7 of Nyquist to a thousandth; beyond the ends the
// window is cut. Where every new time is an old one and the intervals are equal, the samples are copied bit by bit.
class BandLimitedResampler {
  public:
    static constexpr double kHalfWidth = 16;  // samples of the coarser grid
    // InputError where the new times begin or end more than half an old interval outside the old ones.
    BandLimitedResampler(SampleTimes from, SampleTimes to);
    // `samples`: one for each old time; gives one for each new time.
    std::vector<float> operator()(std::span<const float> samples) const;

  private:
    std::vector<Taps> taps_;
};

}  // namespace abr
