// What CUDA is like on this machine. Needs no toolkit to be included.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace abr::cuda {

struct Device {
    std::string name;
    int major = 0, minor = 0;  // compute capability
    std::size_t memory = 0;    // bytes
};

struct Platform {
    int toolkit = 0;              // of this build: 1000 * major + 10 * minor, as CUDA counts
    int driver = 0;               // the newest CUDA that the driver supports, likewise; 0: no driver
    std::string architectures;    // that this build has kernels for, as CMAKE_CUDA_ARCHITECTURES
    std::vector<Device> devices;  // that CUDA_VISIBLE_DEVICES leaves; the first is the one that computes
    bool has_kernels = false;     // of the first device's architecture
    std::string error;  // why CUDA gives no devices, where it is neither their absence nor the driver's age
};

Platform platform();

}  // namespace abr::cuda
