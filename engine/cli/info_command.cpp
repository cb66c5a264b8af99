// abr_engine info: what this program was built from and what it finds on this machine.
#include "kernels/cpu/simd_levels.hpp"
// The line above comes first: it decides which SIMD levels count.
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <hwy/targets.h>
#include <CLI/CLI.hpp>

#include "engine/backend/backend.hpp"
#include "engine/cli/cli.hpp"
#include "engine/records/run_summary.hpp"
#include "engine/version.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

// The level that the kernels take at run time: the best of this processor for which they were compiled.
const char* simd_level() {
    const auto levels = hwy::SupportedTargets() & HWY_TARGETS;
    return hwy::TargetName(levels & (~levels + 1));  // the lowest bit is the best level
}

void print_cuda(const cuda::Platform& cuda) {
    fmt::print("CUDA        toolkit {}, driver {}, kernels for {}\n", cuda_version(cuda.toolkit),
               cuda.driver == 0 ? "none" : cuda_version(cuda.driver), cuda.architectures);
    for (const cuda::Device& device : cuda.devices)
        fmt::print("device      {}, compute capability {}.{}, {} MiB\n", device.name, device.major,
                   device.minor, device.memory >> 20);
}

int print_info() {
    fmt::print("abr_engine {}\n", kEngineVersion);
    fmt::print("compiler    {}\n", compiler_name());
    const auto cuda = cuda_platform();
    const std::string problem = cuda_problem(cuda).what;
    fmt::print("backends    cpu{}\n", problem.empty() ? ", cuda" : fmt::format("; not cuda: {}", problem));
    if (cuda) print_cuda(*cuda);
    fmt::print("processor   {}\n", processor_name());
    fmt::print("SIMD level  {}\n", simd_level());
    fmt::print("threads     {}\n", cpu::Stream().threads());
    fmt::print("libraries\n");
    for (const auto& [name, version] : library_versions()) fmt::print("  {} {}\n", name, version);
    return kExitDone;
}

}  // namespace

Command add_info_command(CLI::App& program) {
    return {program.add_subcommand(
                "info", "Show version, compiler, backends, devices, SIMD level, threads and libraries"),
            print_info};
}

}  // namespace abr
