// The backend that a command computes on, chosen once from `run.backend` and what the machine has.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/config/config.hpp"
#include "kernels/cuda/platform.hpp"
#include "model/learner.hpp"

namespace abr {

struct ChosenBackend {
    bool cuda = false;
    std::string device;    // its name as the system gives it
    std::string not_cuda;  // why "auto" took the CPU; else empty

    std::string name() const { return cuda ? "cuda" : "cpu"; }
    // One line for people: "backend: cpu (auto: no CUDA device was found)".
    std::string line() const;
};

// Throws InputError where CUDA is asked for and cannot be used.
ChosenBackend choose_backend(Backend asked);

// As make_cpu_learner or make_cuda_learner.
std::unique_ptr<Learner> make_learner(const ChosenBackend&, const LearnerSettings&,
                                      const DeviceRecordings& train, int threads);

// Nothing where the program was built without CUDA.
std::optional<cuda::Platform> cuda_platform();

// Why CUDA cannot be used, and what to do about it; both empty where it can.
struct CudaProblem {
    std::string what, remedy;
};
CudaProblem cuda_problem(const std::optional<cuda::Platform>&);

// "13.0" of CUDA's 13000.
std::string cuda_version(int version);

}  // namespace abr
