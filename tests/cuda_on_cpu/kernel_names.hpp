// Names of the kernels that run.
#pragma once

#include <string>

namespace abr::emulation {

// The kernel's qualified name, with its template arguments: "abr::cuda::gelu_forward_kernel<true>".
std::string kernel_name(const void* kernel);
// Adds the kernel to the list in the file that ABR_KERNELS_EXERCISED names, if it names one.
void note_exercised(const std::string& kernel);

}  // namespace abr::emulation
