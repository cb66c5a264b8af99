// Where threads wait for each other: the barriers of a block and the collectives of a warp.
#include <algorithm>
#include <string_view>

#include "kernels/cuda_on_cpu/executor.hpp"
#include "kernels/cuda_on_cpu/fault.hpp"

namespace abr::emulation {
namespace {

std::string hexadecimal(std::uint32_t mask) {
    std::string digits = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) digits += "0123456789abcdef"[(mask >> shift) & 15];
    return digits;
}
bool same(const std::source_location& a, const std::source_location& b) {
    return a.line() == b.line() && a.column() == b.column() &&
           std::string_view(a.file_name()) == b.file_name();
}

}  // namespace

void Executor::wait(State state, std::source_location at) {
    threads_[current_].state = state;
    threads_[current_].at = at;
}

void Executor::wake(unsigned thread) {
    threads_[thread].state = State::ready;
    scheduler_.ready(thread);
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

}  // namespace abr::emulation
