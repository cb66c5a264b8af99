// Runs the blocks of a launch one after the other, every thread of a block on a fiber of its own. A thread gives
// way where it has to wait for others, and in race builds before any access to memory.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda_on_cpu/execution.hpp"
#include "kernels/cuda_on_cpu/fiber.hpp"
#include "kernels/cuda_on_cpu/scheduler.hpp"
#include "kernels/cuda_on_cpu/shared_memory.hpp"
#include "kernels/cuda_on_cpu/work_queue.hpp"

namespace abr::emulation {

inline constexpr unsigned kMaximumThreads = 1024;  // of a block

class Executor {
  public:
    enum class Collective { barrier, ballot, shuffle };

    static void check(const Launch&);
    void run(const Launch&);
    void use_seed(std::uint64_t seed) { scheduler_ = Scheduler(seed); }

    [[noreturn]] void report(const std::string& where, const std::string& what);
    std::string describe_launch() const;

    void block_barrier(std::source_location);
    std::uint64_t collective(Collective, std::uint32_t mask, std::uint64_t value, int source,
                             std::source_location);
    void* static_shared(const void* key, std::size_t bytes, std::source_location);
    void* dynamic_shared() const { return dynamic_ ? dynamic_->data() : nullptr; }
    void maybe_preempt();

    Running running() const { return {block_, current_}; }
    bool on_stack(const void* p) const { return stacks_.contains(p); }
    bool in_arguments(const void* p) const {
        const auto* closure = static_cast<const char*>(launch_->closure.get());
        return p >= closure && p < closure + launch_->closure_bytes;
    }
    int lane() const { return static_cast<int>(current_ % kWarpSize); }

    Observer* observer = nullptr;
    bool in_kernel = false;

  private:
    enum class State { ready, at_barrier, in_collective, done };

    struct Thread {
        Fiber fiber;
        cuda::uint3 index;
        State state = State::ready;
        std::source_location at;  // of the call that it waits in
        Collective collective = Collective::barrier;
        std::uint32_t mask = 0;
        std::uint64_t value = 0;  // passed to a collective
        int source = 0;           // lane that a shuffle reads
        std::uint64_t result = 0;
    };

    static void thread_main();
    void run_block(unsigned block);
    void resume(unsigned thread);
    void suspend() { switch_fiber(threads_[current_].fiber, host_); }
    void wait(State, std::source_location);
    void wake(unsigned thread);
    void release_barrier();
    void complete_collective();
    void resolve(const Thread& any, unsigned first);
    void check_shared(std::source_location);
    [[noreturn]] void report_stuck();
    std::string name(unsigned thread) const;
    std::string whereabouts(unsigned thread) const;

    const Launch* launch_ = nullptr;
    std::string kernel_name_;
    Scheduler scheduler_{0};
    FiberStacks stacks_{kMaximumThreads};
    Fiber host_;
    std::vector<Thread> threads_;
    unsigned current_ = 0, block_ = 0, at_barrier_ = 0, done_ = 0;
    std::vector<SharedPiece> static_;
    std::unique_ptr<SharedPiece> dynamic_;
    std::string fault_;  // of the thread that ran last
};

inline Executor& executor() {
    static Executor instance;
    return instance;
}

}  // namespace abr::emulation
