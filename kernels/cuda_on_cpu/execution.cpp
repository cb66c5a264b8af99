// What the layer offers kernels, hooks and tests, handed on to the one executor.
#include "kernels/cuda_on_cpu/execution.hpp"

#include "kernels/cuda_on_cpu/executor.hpp"
#include "kernels/cuda_on_cpu/fault.hpp"
#include "kernels/cuda_on_cpu/schedule.hpp"

namespace abr::emulation {

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
    executor().collective(Executor::Collective::barrier, mask, 0, 0, at);
}
std::uint32_t warp_ballot(std::uint32_t mask, bool predicate, std::source_location at) {
    const InsideLayer inside;
    return static_cast<std::uint32_t>(
        executor().collective(Executor::Collective::ballot, mask, predicate, 0, at));
}
std::uint64_t warp_shuffle(std::uint32_t mask, std::uint64_t value, int source, std::source_location at) {
    const InsideLayer inside;
    return executor().collective(Executor::Collective::shuffle, mask, value, source, at);
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
