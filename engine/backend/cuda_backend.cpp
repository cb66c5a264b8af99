#include "engine/backend/cuda_backend.hpp"

#include "engine/backend/backend.hpp"

namespace abr {

std::optional<cuda::Platform> cuda_platform() {
    return cuda::platform();
}

std::unique_ptr<Learner> cuda_learner(const LearnerSettings& settings, const DeviceRecordings& train) {
    return make_cuda_learner(settings, train);
}

}  // namespace abr
