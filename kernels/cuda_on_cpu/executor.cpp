#include "kernels/cuda_on_cpu/executor.hpp"

#include <utility>

#include "kernels/cuda/shared_limit.hpp"
#include "kernels/cuda_on_cpu/crash.hpp"
#include "kernels/cuda_on_cpu/fault.hpp"
#include "kernels/cuda_on_cpu/kernel_names.hpp"

namespace abr::cuda {

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

}  // namespace abr::cuda

namespace abr::emulation {
namespace {

// What every architecture since sm_70 offers a block, once its launch has asked for it (shared_limit.hpp).
constexpr std::size_t kMaximumShared = 96 * 1024;
constexpr std::uint64_t kMaximumGridX = 0x7FFFFFFF, kMaximumGridYZ = 65535;

std::string text(const cuda::uint3& i) {
    return "(" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
}
cuda::uint3 index_in(const Extent& extent, std::uint64_t i) {
    return {static_cast<unsigned>(i % extent.x), static_cast<unsigned>(i / extent.x % extent.y),
            static_cast<unsigned>(i / extent.x / extent.y)};
}

}  // namespace

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

std::string Executor::name(unsigned thread) const {
    return "thread " + text(threads_[thread].index);
}

void Executor::maybe_preempt() {
    if (!scheduler_.preempts()) return;
    scheduler_.ready(current_);
    suspend();
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

}  // namespace abr::emulation
