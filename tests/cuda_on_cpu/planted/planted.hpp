// Kernels with a fault in each, which the layer has to report: the tests of the layer itself.
#pragma once

#include <source_location>
#include <span>
#include <vector>

#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/stream.hpp"

namespace abr::test {

struct PlantedFault {
    const char* name;
    void (*run)(cuda::Stream&);  // throws emulation::Fault, or a sanitizer ends the program
};
std::span<const PlantedFault> synchronisation_faults();
std::span<const PlantedFault> memory_faults();
std::span<const PlantedFault> result_faults();
std::span<const PlantedFault> queue_faults();

// Throws where the buffer holds something else.
void expect(const cuda::Buffer<float>& computed, const std::vector<float>& expected,
            std::source_location at = std::source_location::current());
// As expect() of the first element, which a copy would wait for: read as the host reads memory that it shares with a
// device.
void expect_now(const cuda::Buffer<float>& computed, float expected,
                std::source_location at = std::source_location::current());

}  // namespace abr::test
