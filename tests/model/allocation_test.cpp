// A training step allocates nothing. Every operator new of this test program is counted, in any thread.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/model/small_problem.hpp"

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
    const std::size_t whole = (size + alignment - 1) / alignment * alignment;
    if (void* memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole)) return memory;
    throw std::bad_alloc();
}

}  // namespace

// Not inlined: GCC 12 warns of what it sees through them in std::vector.
[[gnu::noinline]] void* operator new(std::size_t size) {
    return counted(size, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

using namespace abr;
using namespace abr::test;

TEST_CASE("a training step allocates nothing, from the first one on") {
    const SmallRecordings data(24, 37);
    const auto order = data.order();
    const auto learner = make_cpu_learner(small_settings(6, 2), data.view(), 2);
    learner->begin_epoch(0, order, kAllWeights);
    const long before = allocations;
    learner->train_step(0, 0, 12, 1e-3);
    learner->train_step(1, 12, 12, 1e-3);
    CHECK(allocations == before);
    CHECK(learner->steps().size() == 2);

    Profile profile;
    learner->set_profile(&profile);
    const long before_profiled = allocations;
    learner->begin_epoch(1, order, kAllWeights);
    learner->train_step(2, 0, 12, 1e-3);
    CHECK(allocations == before_profiled);
    CHECK(profile.ops().size() > 0);

    // The counter counts.
    const auto again = make_cpu_learner(small_settings(6, 2), data.view(), 1);
    CHECK(allocations > before);
}
