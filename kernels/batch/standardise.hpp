// The z-score of a row's input and target.
#pragma once

#include <cmath>

#include "kernels/host_device.hpp"
#include "kernels/view.hpp"

namespace abr {

inline constexpr double kSmallestSignalSd = 1e-12;  // uV

struct RowMoments {
    double mean, sd;  // uV; the sd is biased
};

// The moments of x (length), in two passes.
template <class T, class Team>
ABR_DEVICE RowMoments moments(const Team& team, Index length, const T* x) {
    const double mean =
        team.sum(length, [&](Index t) { return static_cast<double>(x[t]); }) / static_cast<double>(length);
    const double squares = team.sum(length, [&](Index t) {
        const double deviation = static_cast<double>(x[t]) - mean;
        return deviation * deviation;
    });
    return {mean, std::sqrt(squares / static_cast<double>(length))};
}

// x in place, and target = clean(t) likewise.
template <class T, class Team, class Clean>
ABR_DEVICE void standardise_signals(const Team& team, const RowMoments& of_input, Index length, T* x,
                                    const Clean& clean, T* target) {
    team.each(length, [&](Index t) {
        x[t] = static_cast<T>((static_cast<double>(x[t]) - of_input.mean) / of_input.sd);
        target[t] = static_cast<T>((clean(t) - of_input.mean) / of_input.sd);
    });
}

}  // namespace abr
