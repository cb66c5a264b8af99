#include <string>

#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda/error.hpp"
#include "kernels/cuda/stream.hpp"
#include "model/backend_learner.hpp"
#include "model/backend_learner_evaluation.hpp"
#include "model/backend_learner_trace.hpp"
#include "model/network_passes.hpp"

namespace abr {
namespace {

// Before anything is allocated: the messages of single allocations could not say what would fit.
void check_memory(const LearnerSettings& settings, const DeviceRecordings& train) {
    const std::int64_t recordings = recordings_bytes(train), needed = learner_bytes(settings) + recordings;
    const cuda::DeviceMemory memory = cuda::device_memory();
    const auto free = static_cast<std::int64_t>(memory.free);
    if (needed <= free) return;
    const Index largest = free > recordings ? largest_batch(settings, free - recordings) : 0;
    throw cuda::Error("out of device memory: training in batches of " + std::to_string(settings.batch_size) +
                      " takes " + cuda::mebibytes(static_cast<std::size_t>(needed)) + ", " +
                      cuda::mebibytes(memory.free) + " of " + cuda::mebibytes(memory.total) + " are free; " +
                      (largest > 0
                           ? "the largest batch that fits has " + std::to_string(largest) + " recordings"
                           : "no batch fits"));
}

}  // namespace

std::unique_ptr<Learner> make_cuda_learner(const LearnerSettings& settings, const DeviceRecordings& train) {
    check_memory(settings, train);
    return std::make_unique<BackendLearner<cuda::Stream, cuda::Buffer>>(settings, train);
}

}  // namespace abr
