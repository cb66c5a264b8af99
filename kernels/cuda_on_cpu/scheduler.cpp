#include "kernels/cuda_on_cpu/scheduler.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace abr::emulation {
namespace {

// Accesses between two preemptions: at most this many at random, and far fewer changes with fixed priorities,
// where each one costs a thread its place.
constexpr std::uint64_t kAccessesAtRandom = 64, kAccessesByPriority = 2048;

}  // namespace

std::uint64_t Scheduler::random() {  // SplitMix64
    std::uint64_t z = random_ += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

std::vector<unsigned> Scheduler::order(unsigned count) {
    std::vector<unsigned> order(count);
    std::iota(order.begin(), order.end(), 0u);
    if (seed_ != 0)
        for (unsigned i = count; i > 1; --i) std::swap(order[i - 1], order[random_below(i)]);
    return order;
}

void Scheduler::begin_block(unsigned threads) {
    ready_.clear();
    priority_.resize(threads);
    std::iota(priority_.begin(), priority_.end(), std::uint64_t{0});
    if (seed_ != 0)
        for (unsigned i = threads; i > 1; --i) std::swap(priority_[i - 1], priority_[random_below(i)]);
    next_priority_ = threads;
    until_preemption_ = 1 + random_below(by_priority() ? kAccessesByPriority : kAccessesAtRandom);
}

void Scheduler::ready(unsigned thread) {
    ready_.push_back(thread);
    if (seed_ == 0 || by_priority())
        std::push_heap(ready_.begin(), ready_.end(), [&](unsigned a, unsigned b) { return later(a, b); });
}

unsigned Scheduler::next() {
    if (seed_ == 0 || by_priority())
        std::pop_heap(ready_.begin(), ready_.end(), [&](unsigned a, unsigned b) { return later(a, b); });
    else
        std::swap(ready_[random_below(ready_.size())], ready_.back());
    running_ = ready_.back();
    ready_.pop_back();
    return running_;
}

bool Scheduler::preempts() {
    if (seed_ == 0 || --until_preemption_ > 0) return false;
    until_preemption_ = 1 + random_below(by_priority() ? kAccessesByPriority : kAccessesAtRandom);
    if (by_priority()) priority_[running_] = next_priority_++;
    return true;
}

}  // namespace abr::emulation
