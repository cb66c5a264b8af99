// What a user may ask of a batch's rows; off unless set. The configuration's sections of these names are these structs.
#pragma once

#include <cstdint>

namespace abr {

// The range of a value that is drawn evenly on a logarithmic scale; 0 ... 0 is 0 and off, else 0 < low <= high.
struct LogRange {
    float low = 0, high = 0;
    bool operator==(const LogRange&) const = default;
};

struct AugmentationSettings {
    float probability = 0;           // of the group shift, scale, drift
    std::int32_t shift_samples = 0;  // largest, to both sides; >= 0
    float scale_low = 1, scale_high = 1;
    float drift_sd = 0;                                             // of the recording's own sd
    float band_probability = 0;                                     // of a device's band
    LogRange high_pass_hz = {33, 150}, low_pass_hz = {1500, 3000};  // of the band: gain 1/2
    float static_noise_sd = 0;                                      // of the input's own sd
    float static_dropout = 0;                                       // probability
};

struct DegradationSettings {
    float noise_sd = 0;  // white, of the recording's own sd
    float probability = 0;
    LogRange coloured_sd = {}, mains_sd = {};  // of the recording's own sd
    bool noise_to_noise = false;
};

}  // namespace abr
