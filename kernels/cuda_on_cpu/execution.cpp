// Runs the blocks of a launch one after the other, every thread of a block on a fiber of its own. A thread gives
// way where it has to wait for others, and in race builds before any access to memory.
#include "kernels/cuda_on_cpu/execution.hpp"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/shared_limit.hpp"
#include "kernels/cuda_on_cpu/crash.hpp"
#include "kernels/cuda_on_cpu/fault.hpp"
#include "kernels/cuda_on_cpu/fiber.hpp"
#include "kernels/cuda_on_cpu/kernel_names.hpp"
#include "kernels/cuda_on_cpu/schedule.hpp"
#include "kernels/cuda_on_cpu/scheduler.hpp"
#include "kernels/cuda_on_cpu/shared_memory.hpp"
#include "kernels/cuda_on_cpu/work_queue.hpp"

namespace abr::cuda {

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

}  // namespace abr::cuda

namespace abr::emulation {
namespace {

constexpr unsigned kMaximumThreads = 1024;
// What every architecture since sm_70 offers a block, once its launch has asked for it (shared_limit.hpp).
constexpr std::size_t kMaximumShared = 96 * 1024;
constexpr std::uint64_t kMaximumGridX = 0x7FFFFFFF, kMaximumGridYZ = 65535;

enum class State { ready, at_barrier, in_collective, done };
enum class Collective { barrier, ballot, shuffle };

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

std::string text(const cuda::uint3& i) {
    return "(" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
}
std::string hexadecimal(std::uint32_t mask) {
    std::string digits = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) digits += "0123456789abcdef"[(mask >> shift) & 15];
    return digits;
}
bool same(const std::source_location& a, const std::source_location& b) {
    return a.line() == b.line() && a.column() == b.column() &&
           std::string_view(a.file_name()) == b.file_name();
}
cuda::uint3 index_in(const Extent& extent, std::uint64_t i) {
    return {static_cast<unsigned>(i % extent.x), static_cast<unsigned>(i / extent.x % extent.y),
            static_cast<unsigned>(i / extent.x / extent.y)};
}

class Executor {
  public:
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
    std::string name(unsigned thread) const { return "thread " + text(threads_[thread].index); }
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

Executor& executor() {
    static Executor instance;
    return instance;
}

void Executor::check(const Launch& launch) {
    const auto refuse = [&](const std::string& what) {
        throw Fault(place(launch.at) + ": invalid launch of " + kernel_name(launch.kernel) + ": " + what);
    };
    if (launch.block.count() == 0 || launch.block.count() > kMaximumThreads || launch.block.z > 64)
        refuse("a block of " + std::to_string(launch.block.count()) + " threads");
    if (launch.grid.count() == 0 || launch.grid.x > kMaximumGridX || launch.grid.y > kMaximumGridYZ ||
        launch.grid.z > kMaximumGridYZ)
        refuse("a grid of " + std::to_string(launch.grid.x) + " x " + std::to_string(launch.grid.y) + " x " +
               std::to_string(launch.grid.z) + " blocks");
    if (launch.dynamic_shared_bytes > kMaximumShared)
        refuse(std::to_string(launch.dynamic_shared_bytes) + " bytes of shared memory");
}

void Executor::run(const Launch& launch) {
    kernel_name_ = kernel_name(launch.kernel);
    note_exercised(kernel_name_, scheduler_.seed());
    report_crashes();
    launch_ = &launch;
    static_.clear();
    dynamic_.reset();
    if (launch.dynamic_shared_bytes > 0)
        dynamic_ = std::make_unique<SharedPiece>(nullptr, launch.dynamic_shared_bytes, launch.at);
    cuda::gridDim = {launch.grid.x, launch.grid.y, launch.grid.z};
    cuda::blockDim = {launch.block.x, launch.block.y, launch.block.z};
    threads_.resize(static_cast<std::size_t>(launch.block.count()));
    if (observer) observer->launch_begins();
    for (const unsigned block : scheduler_.order(static_cast<unsigned>(launch.grid.count())))
        run_block(block);
    launch_ = nullptr;
}

void Executor::run_block(unsigned block) {
    block_ = block;
    cuda::blockIdx = index_in(launch_->grid, block);
    const auto count = static_cast<unsigned>(threads_.size());
    if (observer) observer->block_begins(count);
    for (const auto& piece : static_) {
        piece.poison();
        if (observer) observer->shared_memory_begins(piece.data(), piece.bytes());
    }
    if (dynamic_) {
        dynamic_->poison();
        if (observer) observer->shared_memory_begins(dynamic_->data(), dynamic_->bytes());
    }
    at_barrier_ = done_ = 0;
    scheduler_.begin_block(count);
    for (unsigned i = 0; i < count; ++i) {
        threads_[i] = {
            .fiber = stacks_.start(i, thread_main), .index = index_in(launch_->block, i), .at = {}};
        scheduler_.ready(i);
    }
    while (done_ < count) {
        if (scheduler_.none_ready()) report_stuck();
        resume(scheduler_.next());
    }
    for (const auto& piece : static_)
        if (piece.overrun()) report(place(piece.declared()), "written behind this shared memory");
    if (dynamic_ && dynamic_->overrun())
        report(place(launch_->at), "written behind the " + std::to_string(dynamic_->bytes()) +
                                       " bytes of dynamic shared memory of this launch");
}

void Executor::thread_main() {
    Executor& self = executor();
    fiber_entered(self.host_);
    self.in_kernel = true;
    self.launch_->call(self.launch_->closure.get());
    self.in_kernel = false;
    self.threads_[self.current_].state = State::done;
    ++self.done_;
    self.suspend();
}

void Executor::resume(unsigned thread) {
    current_ = thread;
    cuda::threadIdx = threads_[thread].index;
    switch_fiber(host_, threads_[thread].fiber);
    in_kernel = false;
    if (!fault_.empty()) {
        launch_ = nullptr;
        throw Fault(std::exchange(fault_, {}));
    }
}

std::string Executor::describe_launch() const {
    if (!launch_) return {};
    return "  in " + kernel_name_ + ", launched at " + place(launch_->at) + ", block " +
           text(cuda::blockIdx) + ", " + name(current_) + "\n  seed " + std::to_string(scheduler_.seed()) +
           "; replay with ABR_KERNEL_SEED=" + std::to_string(scheduler_.seed());
}

void Executor::report(const std::string& where, const std::string& what) {
    const std::string message = where + ": " + what + "\n" + describe_launch();
    if (!on_stack(__builtin_frame_address(0))) {
        launch_ = nullptr;
        throw Fault(message);
    }
    // A fiber is not unwound: the host throws for it, and its stack is overwritten by the next launch.
    fault_ = message;
    suspend();
    __builtin_unreachable();
}

void Executor::wait(State state, std::source_location at) {
    threads_[current_].state = state;
    threads_[current_].at = at;
}

void Executor::wake(unsigned thread) {
    threads_[thread].state = State::ready;
    scheduler_.ready(thread);
}

void Executor::maybe_preempt() {
    if (!scheduler_.preempts()) return;
    scheduler_.ready(current_);
    suspend();
}

void Executor::block_barrier(std::source_location at) {
    wait(State::at_barrier, at);
    if (++at_barrier_ == threads_.size()) release_barrier();
    suspend();
}

void Executor::release_barrier() {
    for (unsigned i = 1; i < threads_.size(); ++i)
        if (!same(threads_[i].at, threads_[0].at))
            report(place(threads_[i].at), "divergent barrier: " + name(i) + " waits here, " + name(0) +
                                              " at " + place(threads_[0].at));
    at_barrier_ = 0;
    if (observer) observer->block_synchronised();
    for (unsigned i = 0; i < threads_.size(); ++i) wake(i);
}

std::uint64_t Executor::collective(Collective kind, std::uint32_t mask, std::uint64_t value, int source,
                                   std::source_location at) {
    Thread& thread = threads_[current_];
    if (!(mask >> lane() & 1u))
        report(place(at),
               "wrong mask: lane " + std::to_string(lane()) + " is not in its own mask " + hexadecimal(mask));
    wait(State::in_collective, at);
    thread.collective = kind;
    thread.mask = mask;
    thread.value = value;
    thread.source = source;
    complete_collective();
    suspend();
    return thread.result;
}

// Lets the lanes that the current thread has to meet go on, if it is the last of them.
void Executor::complete_collective() {
    const Thread& self = threads_[current_];
    const unsigned first = current_ / kWarpSize * kWarpSize;
    bool complete = true;
    for (unsigned i = 0; i < kWarpSize; ++i) {
        const bool wanted = self.mask >> i & 1u;
        const unsigned t = first + i;
        if (t >= threads_.size() || threads_[t].state == State::done) {
            if (wanted)
                report(place(self.at), "wrong mask: lane " + std::to_string(i) + " of " +
                                           hexadecimal(self.mask) +
                                           (t >= threads_.size() ? " does not exist" : " has returned"));
            continue;
        }
        const Thread& other = threads_[t];
        if (other.state != State::in_collective) {
            if (wanted) complete = false;
            continue;
        }
        if (!wanted && !(other.mask >> (current_ - first) & 1u)) continue;
        if (other.mask != self.mask)
            report(place(self.at), "wrong mask: " + name(current_) + " passes " + hexadecimal(self.mask) +
                                       ", " + name(t) + " passes " + hexadecimal(other.mask) + " at " +
                                       place(other.at));
        if (other.collective != self.collective || !same(other.at, self.at))
            report(place(self.at), "divergent warp: " + name(current_) + " waits here, " + name(t) + " at " +
                                       place(other.at));
    }
    if (complete) resolve(self, first);
}

void Executor::resolve(const Thread& any, unsigned first) {
    const std::uint32_t mask = any.mask;
    std::uint32_t votes = 0;
    for (unsigned i = 0; i < kWarpSize; ++i)
        if ((mask >> i & 1u) && threads_[first + i].value != 0) votes |= 1u << i;
    // Only a barrier orders memory: CUDA promises nothing of the kind for votes and shuffles.
    if (any.collective == Collective::barrier && observer) observer->lanes_synchronised(first, mask);
    for (unsigned i = 0; i < kWarpSize; ++i) {
        if (!(mask >> i & 1u)) continue;
        Thread& thread = threads_[first + i];
        if (thread.collective == Collective::ballot) thread.result = votes;
        if (thread.collective == Collective::shuffle) {
            if (!(mask >> thread.source & 1u))
                report(place(thread.at), "wrong mask: " + name(first + i) + " reads lane " +
                                             std::to_string(thread.source) + ", which is not in " +
                                             hexadecimal(mask));
            thread.result = threads_[first + static_cast<unsigned>(thread.source)].value;
        }
    }
    for (unsigned i = 0; i < kWarpSize; ++i)
        if (mask >> i & 1u) wake(first + i);
}

std::string Executor::whereabouts(unsigned thread) const {
    const Thread& t = threads_[thread];
    if (t.state == State::done) return name(thread) + " has returned";
    return name(thread) + " waits at " + place(t.at);
}

void Executor::report_stuck() {
    const auto find = [&](State state) {
        return std::find_if(threads_.begin(), threads_.end(),
                            [&](const Thread& t) { return t.state == state; });
    };
    auto waits = find(State::at_barrier);
    const bool barrier = waits != threads_.end();
    if (!barrier) waits = find(State::in_collective);
    const auto elsewhere = std::find_if(threads_.begin(), threads_.end(),
                                        [&](const Thread& t) { return t.state != waits->state; });
    current_ = static_cast<unsigned>(waits - threads_.begin());
    std::string what = barrier ? "divergent barrier: " : "deadlock: ";
    what += name(current_) + " waits here";
    if (elsewhere != threads_.end())
        what += ", " + whereabouts(static_cast<unsigned>(elsewhere - threads_.begin()));
    if (!barrier) what += "; the mask is " + hexadecimal(waits->mask);
    report(place(waits->at), what);
}

// A device refuses the launch; here the declaration that is one too many is found as it runs.
void Executor::check_shared(std::source_location at) {
    const std::size_t dynamic = launch_->dynamic_shared_bytes;
    std::size_t declared = 0;
    for (const auto& piece : static_) declared += piece.bytes();
    const std::size_t limit =
        cuda::asks_for_more_shared(dynamic) ? kMaximumShared : cuda::kSharedWithoutAsking;
    if (declared + dynamic > limit)
        report(place(at), "too much shared memory: " + std::to_string(declared) + " bytes declared and " +
                              std::to_string(dynamic) + " of the launch, of " + std::to_string(limit) +
                              (limit == kMaximumShared ? "" : " that a launch need not ask for"));
}

void* Executor::static_shared(const void* key, std::size_t bytes, std::source_location at) {
    for (const auto& piece : static_)
        if (piece.key() == key) return piece.data();
    const auto& piece = static_.emplace_back(key, bytes, at);
    check_shared(at);
    if (observer) observer->shared_memory_begins(piece.data(), piece.bytes());
    return piece.data();
}

}  // namespace

InsideLayer::InsideLayer() : was_in_kernel_(executor().in_kernel) {
    executor().in_kernel = false;
}
InsideLayer::~InsideLayer() {
    executor().in_kernel = was_in_kernel_;
}

void set_observer(Observer* observer) {
    executor().observer = observer;
}
bool in_kernel() {
    return executor().in_kernel;
}
Running running() {
    return executor().running();
}
bool on_fiber_stack(const void* p) {
    return executor().on_stack(p);
}
bool in_arguments(const void* p) {
    return executor().in_arguments(p);
}
void maybe_preempt() {
    executor().maybe_preempt();
}
void report(const std::string& where, const std::string& what) {
    executor().report(where, what);
}
std::string describe_launch() {
    return executor().describe_launch();
}
void use_seed(std::uint64_t seed) {
    finish_all();
    executor().use_seed(seed);
}
void check(const Launch& launch) {
    Executor::check(launch);
}
void run(const Launch& launch) {
    executor().run(launch);
}

void* static_shared(const void* key, std::size_t bytes, std::source_location at) {
    const InsideLayer inside;
    return executor().static_shared(key, bytes, at);
}
void* dynamic_shared() {
    return executor().dynamic_shared();
}
void block_barrier(std::source_location at) {
    const InsideLayer inside;
    executor().block_barrier(at);
}
void warp_barrier(std::uint32_t mask, std::source_location at) {
    const InsideLayer inside;
    executor().collective(Collective::barrier, mask, 0, 0, at);
}
std::uint32_t warp_ballot(std::uint32_t mask, bool predicate, std::source_location at) {
    const InsideLayer inside;
    return static_cast<std::uint32_t>(executor().collective(Collective::ballot, mask, predicate, 0, at));
}
std::uint64_t warp_shuffle(std::uint32_t mask, std::uint64_t value, int source, std::source_location at) {
    const InsideLayer inside;
    return executor().collective(Collective::shuffle, mask, value, source, at);
}
int lane() {
    return executor().lane();
}

void check_alignment(const void* p, std::size_t alignment, std::source_location at) {
    if (reinterpret_cast<std::uintptr_t>(p) % alignment == 0) return;
    const InsideLayer inside;
    executor().report(place(at), "misaligned access: the address is not a multiple of " +
                                     std::to_string(alignment) + " bytes");
}

void atomic_access(const void* p, std::size_t bytes, std::source_location at) {
    const InsideLayer inside;
    if (executor().observer) executor().observer->atomic_access(p, bytes, at);
    executor().maybe_preempt();
}

}  // namespace abr::emulation
