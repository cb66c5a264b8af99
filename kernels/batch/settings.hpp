// What a user may ask of a batch's rows; off unless set. The configuration's sections of these names are these structs.
#pragma once

#include <cstdint>

namespace abr {

struct AugmentationSettings {
    float probability = 0;           // of the group shift, scale, drift
    std::int32_t shift_samples = 0;  // largest, to both sides; >= 0
    float scale_low = 1, scale_high = 1;
    float drift_sd = 0;         // of the recording's own sd
    float static_noise_sd = 0;  // of the input's own sd
    float static_dropout = 0;   // probability
};

struct DegradationSettings {
    float noise_sd = 0;  // of the recording's own sd
    float probability = 0;
};

}  // namespace abr
