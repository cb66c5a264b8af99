// The band of another device: a high-pass and a low-pass filter on recording and clean signal alike.
//
// Each is a filter of one pole that runs forward and then backward over the row, so that it delays nothing: a latency
// stays where it was marked. At f, with w = 2 pi f dt, the gain of the low-pass is
//   1 / (1 + (1 - cos w) / (1 - cos w_cutoff)), about 1 / (1 + (f / cutoff)^2),
// that of the high-pass 1 minus this: 1/2 at the cut-off, 12 dB an octave beyond, as the cohort's amplifier
// (engine/synthetic/noise.cpp). So the pole is a = b - sqrt(b^2 - 1) with b = 2 - cos w_cutoff. Beyond its ends the row
// goes on with its edge values, without end; the response to them is summed in closed form.
//
// A device also turns phases, but marks are set on what it shows. The amplitude that is learnt stays the mark of the
// recording as it came, not of the filtered one.
//
// Draws: augment_decision, block 2: word 0 whether (band_probability, not part of the group), word 1 the cut-off of the
// high-pass, word 2 that of the low-pass. Serial, 4 passes over a row: about 4 us of 200 samples on a CPU.
#pragma once

#include <cmath>

#include "kernels/batch/augment.hpp"
#include "kernels/batch/tone.hpp"

namespace abr {

// y(t) = pole y(t - 1) + now x(t) + before x(t - 1), then the same backward.
struct OnePole {
    double pole, now, before;
    double constant;  // what becomes of a constant: 1 or 0
    double tail;      // the backward output at the row's end of a forward output that falls from 1 behind it
};
struct Band {
    bool on;
    OnePole filter[2];  // high-pass, low-pass
};

// cutoff: in cycles a sample; from 1/2 on it is taken as 1/2.
ABR_HOST_DEVICE inline double pole_of(double cutoff) {
    const double b = 2 - direction_of_pi(cutoff < 0.5 ? 2 * cutoff : 1).cosine;
    return b - std::sqrt(b * b - 1);
}
ABR_HOST_DEVICE inline OnePole low_pass_at(double cutoff) {
    const double a = pole_of(cutoff);
    return {.pole = a, .now = 1 - a, .before = 0, .constant = 1, .tail = a / (1 + a)};
}
ABR_HOST_DEVICE inline OnePole high_pass_at(double cutoff) {
    const double a = pole_of(cutoff), root = std::sqrt(a);
    return {.pole = a, .now = root, .before = -root, .constant = 0, .tail = root * a / (1 + a)};
}

ABR_HOST_DEVICE inline Band draw_band(const BatchSettings& settings, const RowDraws& draws, bool training) {
    const AugmentationSettings& augmentation = settings.augmentation;
    if (!training || !(augmentation.band_probability > 0)) return {};
    const Random4 words = draws.block(Purpose::augment_decision, 2);
    const auto cutoff = [&](const LogRange& hz, std::uint32_t word) {
        return draw_from(hz, word) * settings.sample_interval_ms / 1000;
    };
    return {.on = happens(words[0], augmentation.band_probability),
            .filter = {high_pass_at(cutoff(augmentation.high_pass_hz, words[1])),
                       low_pass_at(cutoff(augmentation.low_pass_hz, words[2]))}};
}

// What the band leaves of a wave that advances by an angle of this cosine a sample.
ABR_HOST_DEVICE inline double gain_of(const Band& band, double cosine) {
    const auto squared = [&](double one, double other) {  // |one + other exp(i angle)|^2
        return one * one + other * other + 2 * one * other * cosine;
    };
    double passed = 1, fed_back = 1;
    for (const OnePole& filter : band.filter) {
        passed *= squared(filter.now, filter.before);
        fed_back *= squared(1, -filter.pole);
    }
    return passed / fed_back;
}

// Forward and backward over x (length), in place.
template <class T>
ABR_HOST_DEVICE void filter_both_ways(const OnePole& filter, Index length, T* x) {
    const double a = filter.pole, now = filter.now, before = filter.before;
    double input = static_cast<double>(x[0]), output = filter.constant * input;
    for (Index t = 0; t < length; ++t) {
        const double last = input;
        input = static_cast<double>(x[t]);
        output = a * output + now * input + before * last;
        x[t] = static_cast<T>(output);
    }
    // Behind the row the forward output goes from where it is to `rest`, by powers of a.
    const double rest = filter.constant * input, off = output - rest;
    double later = rest + a * off;
    output = filter.constant * rest + filter.tail * off;
    for (Index t = length; t-- > 0;) {
        const double forward = static_cast<double>(x[t]);
        output = a * output + now * forward + before * later;
        later = forward;
        x[t] = static_cast<T>(output);
    }
}

template <class T>
ABR_HOST_DEVICE void apply_band(const Band& band, Index length, T* x) {
    for (const OnePole& filter : band.filter) filter_both_ways(filter, length, x);
}

}  // namespace abr
