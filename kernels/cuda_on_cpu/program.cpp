#include "kernels/cuda_on_cpu/program.hpp"

#include <link.h>

#include <filesystem>

namespace abr::emulation {

std::string program_path() {
    return std::filesystem::read_symlink("/proc/self/exe");
}

std::uintptr_t program_base() {
    std::uintptr_t base = 0;
    // The first object is the program itself.
    const auto first = [](dl_phdr_info* info, std::size_t, void* result) {
        *static_cast<std::uintptr_t*>(result) = info->dlpi_addr;
        return 1;
    };
    dl_iterate_phdr(first, &base);
    return base;
}

}  // namespace abr::emulation
