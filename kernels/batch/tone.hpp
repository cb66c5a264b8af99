// Random sinusoids, of which coloured noise and mains hum are made: in closed form, so that the threads of a row share
// nothing, and without a beginning or an end.
#pragma once

#include <cmath>
#include <numbers>

#include "kernels/batch/settings.hpp"
#include "kernels/host_device.hpp"
#include "kernels/philox.hpp"
#include "kernels/view.hpp"

namespace abr {

// The value that a word draws from a range.
ABR_HOST_DEVICE inline double draw_from(const LogRange& range, std::uint32_t word) {
    if (!(range.high > 0)) return 0;
    const double low = static_cast<double>(range.low), high = static_cast<double>(range.high);
    return low * std::exp(static_cast<double>(to_uniform(word)) * std::log(high / low));
}

struct Direction {
    double cosine, sine;
};
// Of the angle pi * x.
ABR_HOST_DEVICE inline Direction direction_of_pi(double x) {
#if defined(__CUDA_ARCH__)
    Direction direction;
    sincospi(x, &direction.sine, &direction.cosine);  // which needs no slow reduction of its argument
    return direction;
#else
    const double angle = std::numbers::pi * x;
    return {std::cos(angle), std::sin(angle)};
#endif
}

// Adds amount * (z.first cos(pi turns t) + z.second sin(pi turns t)) to sample t of x: for standard normal z a Gaussian
// process of sd `amount`. turns: 2 * frequency * sample interval; step: direction_of_pi(turns).
template <class T, class Team>
ABR_DEVICE void add_tone(const Team& team, double turns, const Direction& step, double amount,
                         const NormalPair& z, Index length, T* x) {
    const double of_cosine = amount * static_cast<double>(z.first),
                 of_sine = amount * static_cast<double>(z.second);
    team.fours(length, [&](Index first) {
        Direction now = direction_of_pi(turns * static_cast<double>(first));
        for (Index t = first; t < first + 4 && t < length; ++t) {
            x[t] = static_cast<T>(static_cast<double>(x[t]) + (of_cosine * now.cosine + of_sine * now.sine));
            now = {now.cosine * step.cosine - now.sine * step.sine,
                   now.sine * step.cosine + now.cosine * step.sine};
        }
    });
}

}  // namespace abr
