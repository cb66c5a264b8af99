// Where the program is built without CUDA.
#include <stdexcept>

#include "engine/backend/backend.hpp"
#include "engine/backend/cuda_backend.hpp"

namespace abr {

std::optional<cuda::Platform> cuda_platform() {
    return std::nullopt;
}

std::unique_ptr<Learner> cuda_learner(const LearnerSettings&, const DeviceRecordings&) {
    throw std::logic_error("a CUDA learner was asked of a program without CUDA");
}

}  // namespace abr
