// Names of the kernels that run.
#pragma once

#include <cstdint>
#include <string>

namespace abr::emulation {

// The kernel's qualified name, with its template arguments: "abr::cuda::gelu_forward_kernel<true>".
std::string kernel_name(const void* kernel);
// Adds a line "seed kernel" to the file that ABR_KERNELS_EXERCISED names, if it names one; once a process.
void note_exercised(const std::string& kernel, std::uint64_t seed);

}  // namespace abr::emulation
