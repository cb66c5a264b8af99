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

// The value at place u of 0 < low <= high, on a logarithmic scale.
ABR_HOST_DEVICE inline double log_between(double low, double high, double u) {
    return low * std::exp(u * std::log(high / low));
}
// The value that a word draws from a range.
ABR_HOST_DEVICE inline double draw_from(const LogRange& range, std::uint32_t word) {
    if (!(range.high > 0)) return 0;
    return log_between(static_cast<double>(range.low), static_cast<double>(range.high),
                       static_cast<double>(to_uniform(word)));
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

// Adds amount * (z.first cos(pi half_turns t) + z.second sin(pi half_turns t)) to sample t of x: for standard normal z a
// Gaussian process of sd `amount`. half_turns: 2 * frequency * sample interval.
template <class T, class Team>
ABR_DEVICE void add_tone(const Team& team, double half_turns, double amount, const NormalPair& z,
                         Index length, T* x) {
    const Direction step = direction_of_pi(half_turns);
    team.fours(length, [&](Index first) {
        Direction now = direction_of_pi(half_turns * static_cast<double>(first));
        for (Index t = first; t < first + 4 && t < length; ++t) {
            const double wave =
                static_cast<double>(z.first) * now.cosine + static_cast<double>(z.second) * now.sine;
            x[t] = static_cast<T>(static_cast<double>(x[t]) + amount * wave);
            now = {now.cosine * step.cosine - now.sine * step.sine,
                   now.sine * step.cosine + now.cosine * step.sine};
        }
    });
}

}  // namespace abr
