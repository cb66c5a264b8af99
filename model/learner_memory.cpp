#include "model/learner_memory.hpp"

#include "model/further_losses.hpp"

namespace abr {
namespace {

thread_local std::int64_t counted_bytes = 0;

// A buffer that is counted and never allocated.
template <class T>
class CountedBuffer {
  public:
    CountedBuffer() = default;
    explicit CountedBuffer(Index size) { counted_bytes += size * static_cast<std::int64_t>(sizeof(T)); }
    T* data() const { return nullptr; }
};

}  // namespace

std::int64_t learner_bytes(const LearnerSettings& settings) {
    counted_bytes = 0;
    const Index further_losses = FurtherLosses(settings).workspace(settings.shape, settings.batch_size);
    const LearnerMemory<CountedBuffer> memory(settings, Network(settings.shape, settings.batch_size),
                                              further_losses);
    return counted_bytes;
}

Index largest_batch(LearnerSettings settings, std::int64_t bytes) {
    const auto fits = [&](Index batch_size) {
        settings.batch_size = batch_size;
        return learner_bytes(settings) <= bytes;
    };
    Index fitting = 0, too_large = 1;
    while (fits(too_large)) {
        fitting = too_large;
        too_large *= 2;
    }
    while (too_large - fitting > 1) {
        const Index middle = fitting + (too_large - fitting) / 2;
        (fits(middle) ? fitting : too_large) = middle;
    }
    return fitting;
}

}  // namespace abr
