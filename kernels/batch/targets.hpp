// The targets of a row but for the signal's. No class is mixed of two.
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
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        constexpr Task kTask = task_of(c);
        if constexpr (kTask.kind == TaskKind::binary || kTask.kind == TaskKind::classes) {
            targets.label[c][b] = recordings.label[c][r];
        } else if constexpr (kTask.kind == TaskKind::scalar) {
            double value = static_cast<double>(recordings.scalar[c][r]);
            bool inside = true;
            if constexpr (kTask.follows == Follows::shift) {
                const double dt = settings.sample_interval_ms;
                value += static_cast<double>(augmentation.shift) * dt;
                const double begin = settings.first_sample_ms;
                inside = value >= begin &&
                         value <= begin + static_cast<double>(recordings.length) * dt;  // false for NaN
            } else if constexpr (kTask.follows == Follows::scale) {
                value *= static_cast<double>(augmentation.scale);
            }
            targets.scalar[c][b] =
                inside ? standardise<T>(value, settings.target[c]) : std::numeric_limits<T>::quiet_NaN();
        }
    });
    if (targets.first_share != nullptr) targets.first_share[b] = T{1};
}

}  // namespace abr
