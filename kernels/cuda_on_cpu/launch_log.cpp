#include "kernels/cuda_on_cpu/launch_log.hpp"

#include "kernels/cuda_on_cpu/kernel_names.hpp"

namespace abr::emulation {
namespace {

std::vector<std::string>* launches = nullptr;

}  // namespace

void log_launches(std::vector<std::string>* lines) {
    launches = lines;
}

void note_launch(const Launch& launch) {
    if (launches == nullptr) return;
    std::string line = kernel_name(launch.kernel);
    for (const Extent& extent : {launch.grid, launch.block})
        line +=
            ' ' + std::to_string(extent.x) + 'x' + std::to_string(extent.y) + 'x' + std::to_string(extent.z);
    launches->push_back(line + ' ' + std::to_string(launch.dynamic_shared_bytes) + ' ' +
                        std::to_string(launch.arguments));
}

}  // namespace abr::emulation
