// The targets of a row but for the signal's.
#pragma once

#include <limits>

#include "kernels/batch/augment.hpp"
#include "kernels/batch/statics.hpp"

namespace abr {

// Row b of the batch, from row r of the split.
template <class T>
ABR_HOST_DEVICE void write_targets(const DeviceRecordings& recordings, const BatchSettings& settings,
                                   const Augmentation& augmentation, Index r, const Targets<T>& targets,
                                   Index b) {
    const double dt = settings.sample_interval_ms;
    const double latency = recordings.latency_ms[r] + static_cast<double>(augmentation.shift) * dt;
    const bool inside =
        latency >= 0 && latency <= static_cast<double>(recordings.length) * dt;  // false for NaN
    const double amplitude = static_cast<double>(recordings.amplitude_uv[r]) * augmentation.scale;
    targets.label[b] = recordings.label[r];
    targets.exist[b] = recordings.exist[r];
    targets.latency[b] =
        inside ? standardise<T>(latency, settings.latency) : std::numeric_limits<T>::quiet_NaN();
    targets.amplitude[b] = standardise<T>(amplitude, settings.amplitude);
    targets.threshold[b] = standardise<T>(recordings.threshold_db[r], settings.threshold);
}

}  // namespace abr
