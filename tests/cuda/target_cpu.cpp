#include <cstdlib>
#include <numeric>

#include "kernels/cuda_on_cpu/device_memory.hpp"
#include "kernels/cuda_on_cpu/launch_log.hpp"
#include "kernels/cuda_on_cpu/schedule.hpp"
#include "tests/cuda/target.hpp"

namespace abr::test {

std::vector<std::uint64_t> schedules() {
    if (const char* seed = std::getenv("ABR_KERNEL_SEED")) return {std::strtoull(seed, nullptr, 10)};
    std::vector<std::uint64_t> seeds(ABR_KERNEL_SCHEDULES);
    std::iota(seeds.begin(), seeds.end(), 0u);
    return seeds;
}

void use_schedule(std::uint64_t seed) {
    emulation::use_seed(seed);
}

bool runs_real_sizes() {
    return ABR_KERNEL_REAL_SIZES;
}

void forbid_access(const void* device, std::size_t bytes) {
    emulation::forbid_access(device, bytes);
}

void permit_access(const void* device, std::size_t bytes) {
    emulation::permit_access(device, bytes);
}

std::int64_t memory_calls() {
    return emulation::memory_calls();
}

bool lists_launches() {
    return true;
}
std::vector<std::string> launches_of(const std::function<void()>& body) {
    std::vector<std::string> lines;
    emulation::log_launches(&lines);
    body();
    emulation::log_launches(nullptr);
    return lines;
}

}  // namespace abr::test
