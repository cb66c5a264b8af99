// write_step_state of kernels/step_state.hpp: the launch's arguments carry the values.
#include "kernels/step_state.hpp"

#include "kernels/cuda/device.cuh"

namespace abr::cuda {
namespace {

__global__ void write_step_state_kernel(StepState state, StepState* device) {
    if (threadIdx.x == 0) *device = state;
}

}  // namespace

void write_step_state(Stream& stream, const StepState& state, StepState* device) {
    const ProfileScope scope(stream, __func__);
    launch(write_step_state_kernel, 1, kWarpSize, 0, stream, state, device);
}

}  // namespace abr::cuda
