// The random numbers of one row of a batch.
#pragma once

#include "kernels/host_device.hpp"
#include "kernels/philox.hpp"
#include "kernels/step_state.hpp"

namespace abr {

struct RowDraws {
    std::uint64_t seed;
    std::uint32_t place, step, epoch;

    // place: in the whole optimiser step, so that micro-batches draw what one large batch draws.
    ABR_HOST_DEVICE RowDraws(const StepState& state, Index place_in_step)
        : seed(state.seed),
          place(static_cast<std::uint32_t>(place_in_step)),
          step(static_cast<std::uint32_t>(state.step)),
          epoch(state.epoch) {}

    ABR_HOST_DEVICE Random4 block(Purpose purpose, std::uint32_t index) const {
        return philox4x32(stream_key(seed, purpose), index, place, step, epoch);
    }
};

ABR_HOST_DEVICE inline bool happens(std::uint32_t word, float probability) {
    return to_uniform(word) <= probability;
}

}  // namespace abr
