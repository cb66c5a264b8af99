#include "kernels/step_state.hpp"

#include "kernels/cpu/stream.hpp"

namespace abr::cpu {

void write_step_state(Stream& stream, const StepState& state, StepState* device) {
    const ProfileScope scope(stream.profile(), __func__);
    *device = state;
}

}  // namespace abr::cpu
