#include "engine/backend/backend.hpp"

#include <doctest/doctest.h>

#include "engine/error.hpp"

using namespace abr;

namespace {

// A machine on which CUDA can be used.
cuda::Platform usable() {
    return {.toolkit = 13000,
            .driver = 13000,
            .architectures = "80-real 90a-real",
            .devices = {{.name = "NVIDIA A100", .major = 8, .minor = 0, .memory = std::size_t{40} << 30}},
            .has_kernels = true,
            .error = {}};
}

}  // namespace

TEST_CASE("backend: CUDA is used where build, driver and device allow it") {
    CHECK(cuda_problem(usable()).what.empty());
    cuda::Platform newer = usable(), minor = usable();
    newer.driver = 14020;
    CHECK(cuda_problem(newer).what.empty());
    // Within a major version an older driver does.
    minor.toolkit = 13020;
    CHECK(cuda_problem(minor).what.empty());
}

TEST_CASE("backend: what stands in the way of CUDA is named, with what to do") {
    const auto check = [](const std::optional<cuda::Platform>& platform, const char* what,
                          const char* remedy) {
        CAPTURE(what);
        const CudaProblem problem = cuda_problem(platform);
        CHECK(problem.what.find(what) != std::string::npos);
        CHECK(problem.remedy.find(remedy) != std::string::npos);
        CHECK(problem.what.find('\n') == std::string::npos);
    };
    check(std::nullopt, "built without CUDA", "-DABR_CUDA=ON");
    cuda::Platform no_driver = usable();
    no_driver.driver = 0;
    no_driver.devices.clear();
    check(no_driver, "no NVIDIA driver", "CUDA 13.0 or newer");
    cuda::Platform old_driver = usable();
    old_driver.driver = 12040;
    old_driver.devices.clear();
    check(old_driver,
          "the driver supports CUDA 12.4, which is older than the toolkit of this build, CUDA 13.0",
          "update the driver");
    cuda::Platform no_device = usable();
    no_device.devices.clear();
    check(no_device, "no CUDA device was found", "nvidia-smi");
    cuda::Platform other_device = usable();
    other_device.has_kernels = false;
    other_device.devices.front() = {.name = "Tesla V100", .major = 7, .minor = 0, .memory = 0};
    check(other_device,
          "Tesla V100 has compute capability 7.0, and this build has kernels for 80-real 90a-real",
          "-DABR_CUDA_ARCHITECTURES=70");
    cuda::Platform broken = usable();
    broken.error = "cudaErrorSystemNotReady (system not yet initialized)";
    broken.devices.clear();
    check(broken, "cudaErrorSystemNotReady", "nvidia-smi");
}

TEST_CASE("backend: the CPU is taken where it is asked for") {
    const ChosenBackend backend = choose_backend(Backend::cpu);
    CHECK_FALSE(backend.cuda);
    CHECK(backend.name() == "cpu");
    CHECK(backend.line() == "backend: cpu (" + backend.device + ")");
}
