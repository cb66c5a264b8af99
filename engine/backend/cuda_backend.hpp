// The part of engine/backend/backend.hpp that is compiled only where CUDA is: cuda_backend.cpp, or
// cuda_backend_absent.cpp.
#pragma once

#include <memory>

#include "model/learner.hpp"

namespace abr {

// As make_cuda_learner; not to be called where cuda_platform() is empty.
std::unique_ptr<Learner> cuda_learner(const LearnerSettings&, const DeviceRecordings& train);

}  // namespace abr
