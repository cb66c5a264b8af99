// Who runs next. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <vector>

namespace abr::emulation {

class Scheduler {
  public:
    explicit Scheduler(std::uint64_t seed) : seed_(seed), random_(seed) {}

    std::uint64_t seed() const { return seed_; }
    // The order of `count` blocks.
    std::vector<unsigned> order(unsigned count);

    void begin_block(unsigned threads);
    void ready(unsigned thread);
    bool none_ready() const { return ready_.empty(); }
    // The thread to run; it is no longer ready.
    unsigned next();
    // Whether the running thread is to give way before its next access to memory. With fixed priorities it then
    // also falls behind all others: what finds orderings that depend on one thread being late (Burckhardt et al.,
    // "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010).
    bool preempts();

  private:
    bool by_priority() const { return seed_ % 2 == 1; }
    bool later(unsigned a, unsigned b) const { return priority_[a] > priority_[b]; }
    std::uint64_t random();
    std::uint64_t random_below(std::uint64_t bound) { return random() % bound; }

    std::uint64_t seed_, random_;
    std::vector<std::uint64_t> priority_;  // of each thread; the smallest runs first
    std::vector<unsigned> ready_;          // a heap by priority, or, at random, in no order
    unsigned running_ = 0;
    std::uint64_t next_priority_ = 0;
    std::uint64_t until_preemption_ = 0;
};

}  // namespace abr::emulation
