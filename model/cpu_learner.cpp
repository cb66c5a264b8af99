#include "kernels/cpu/buffer.hpp"
#include "kernels/cpu/stream.hpp"
#include "model/backend_learner.hpp"
#include "model/backend_learner_evaluation.hpp"
#include "model/backend_learner_trace.hpp"

namespace abr {

std::unique_ptr<Learner> make_cpu_learner(const LearnerSettings& settings, const DeviceRecordings& train,
                                          int threads) {
    return std::make_unique<BackendLearner<cpu::Stream, cpu::Buffer>>(settings, train, threads);
}

}  // namespace abr
