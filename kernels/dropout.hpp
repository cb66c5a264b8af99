// Inverted dropout (Srivastava et al. 2014) by counter-based random numbers: element e of the recording at
// place p of the step is kept when its uniform number is >= rate, and then scaled by 1 / (1 - rate). Element
// e = t * channels + c takes word e % 4 of
// philox4x32(stream_key(seed, Purpose::dropout + layer), e / 4, place + b, step, epoch).
#pragma once

#include <cmath>

#include "kernels/philox.hpp"
#include "kernels/step_state.hpp"

namespace abr {

struct Dropout {
    float rate = 0;                    // in [0, 1); 0 = off: nothing is drawn, values pass unchanged
    std::uint32_t layer = 0;           // the dropout layer's number in the network
    const StepState* state = nullptr;  // in the backend's memory; not read while off
    Index place = 0;                   // of the (micro-)batch's first recording in the step
};

// The draws of one dropout layer in one step, read from the state where the op runs.
struct DropoutDraws {
    bool on;
    std::uint64_t key = 0;
    std::uint32_t place = 0, step = 0, epoch = 0;

    ABR_HOST_DEVICE explicit DropoutDraws(const Dropout& dropout) : on(dropout.rate > 0) {
        if (!on) return;
        const StepState& state = *dropout.state;
        key = stream_key(state.seed, static_cast<std::uint32_t>(Purpose::dropout) + dropout.layer);
        place = static_cast<std::uint32_t>(dropout.place);
        step = static_cast<std::uint32_t>(state.step);
        epoch = state.epoch;
    }
};

// A word is dropped when word >> 8 is below this number: the comparison (k + 1/2) / 2^24 >= rate of the
// middle of the word's cell with the rate, in integers, so that every backend decides alike.
ABR_HOST_DEVICE inline std::uint32_t dropout_threshold(float rate) {
    return static_cast<std::uint32_t>(std::ceil(static_cast<double>(rate) * 0x1p24 - 0.5));
}

// What a word multiplies its element by: 0, or 1 / (1 - rate).
template <class T>
ABR_HOST_DEVICE inline T dropout_factor(std::uint32_t word, std::uint32_t threshold, T scale) {
    return (word >> 8) >= threshold ? scale : T{0};
}

}  // namespace abr
