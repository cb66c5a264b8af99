#include "engine/backend/backend.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "engine/backend/cuda_backend.hpp"
#include "engine/error.hpp"
#include "engine/records/run_summary.hpp"

namespace abr {

std::string ChosenBackend::line() const {
    return not_cuda.empty() ? fmt::format("backend: {} ({})", name(), device)
                            : fmt::format("backend: {} (auto: {})", name(), not_cuda);
}

std::string cuda_version(int version) {
    return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

CudaProblem cuda_problem(const std::optional<cuda::Platform>& platform) {
    if (!platform)
        return {"this program was built without CUDA", "build it where CMake finds nvcc, with -DABR_CUDA=ON"};
    const std::string toolkit = cuda_version(platform->toolkit), driver = cuda_version(platform->driver);
    if (platform->driver == 0)
        return {"no NVIDIA driver was found", fmt::format("install one for CUDA {} or newer", toolkit)};
    // Within a major version of CUDA an older driver does (CUDA Compatibility, minor version compatibility).
    if (platform->driver / 1000 < platform->toolkit / 1000)
        return {
            fmt::format("the driver supports CUDA {}, which is older than the toolkit of this build, CUDA {}",
                        driver, toolkit),
            fmt::format("update the driver, or build with CUDA {}", driver)};
    if (!platform->error.empty()) return {platform->error, "check the driver with nvidia-smi"};
    if (platform->devices.empty()) {
        const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
        return {"no CUDA device was found" +
                    (visible ? fmt::format(" (CUDA_VISIBLE_DEVICES is \"{}\")", visible) : std::string()),
                "check the devices with nvidia-smi"};
    }
    const cuda::Device& device = platform->devices.front();
    if (!platform->has_kernels)
        return {fmt::format("{} has compute capability {}.{}, and this build has kernels for {} alone",
                            device.name, device.major, device.minor, platform->architectures),
                fmt::format("build with -DABR_CUDA_ARCHITECTURES={}{}", device.major, device.minor)};
    return {};
}

ChosenBackend choose_backend(Backend asked) {
    const ChosenBackend cpu{.cuda = false, .device = processor_name(), .not_cuda = {}};
    if (asked == Backend::cpu) return cpu;
    const auto platform = cuda_platform();
    const CudaProblem problem = cuda_problem(platform);
    if (problem.what.empty()) return {.cuda = true, .device = platform->devices.front().name, .not_cuda = {}};
    if (asked == Backend::cuda)
        throw InputError(
            fmt::format("run.backend = \"cuda\": {}; {}, or set run.backend to \"auto\" or \"cpu\"",
                        problem.what, problem.remedy));
    return {.cuda = false, .device = cpu.device, .not_cuda = problem.what};
}

std::unique_ptr<Learner> make_learner(const ChosenBackend& backend, const LearnerSettings& settings,
                                      const DeviceRecordings& train, int threads) {
    return backend.cuda ? cuda_learner(settings, train) : make_cpu_learner(settings, train, threads);
}

}  // namespace abr
