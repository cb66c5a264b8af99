#include "kernels/cpu/stream.hpp"

#include <sched.h>

#include <algorithm>

namespace abr::cpu {
namespace {

int available_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// A step issues hundreds of short ops back to back; waiting actively for about 20 microseconds saves a futex
// round trip for each of them, and idle workers still sleep.
constexpr int kSpins = 2000;

}  // namespace

Stream::Stream(int threads) {
    const int total = threads > 0 ? threads : available_cores();
    workers_.reserve(static_cast<std::size_t>(total - 1));
    for (int i = 1; i < total; ++i) workers_.emplace_back([this] { work(); });
}

Stream::~Stream() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        ++round_;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
}

void Stream::take_tasks() {
    Index i = next_.fetch_add(1);
    if (i >= count_) return;
    const Index slot = slots_.fetch_add(1);
    for (; i < count_; i = next_.fetch_add(1)) call_(object_, i, slot);
}

void Stream::work() {
    std::uint64_t seen = 0;
    for (;;) {
        for (int spin = 0; spin < kSpins && round_.load() == seen; ++spin) relax();
        if (round_.load() == seen) {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return round_.load() != seen; });
        }
        seen = round_.load();
        if (stop_) return;
        take_tasks();
        --busy_;
    }
}

void Stream::run(Index count, const void* object, Call call) {
    if (count <= 0) return;
    if (workers_.empty() || count == 1) {
        for (Index i = 0; i < count; ++i) call(object, i, 0);
        return;
    }
    count_ = count;
    object_ = object;
    call_ = call;
    next_ = 0;
    slots_ = 0;
    busy_ = static_cast<int>(workers_.size());
    {
        const std::lock_guard lock(mutex_);
        ++round_;
    }
    wake_.notify_all();
    take_tasks();
    // A worker that the system has put aside gets the core sooner if this thread does not sit on one.
    for (int spin = 0; busy_.load() != 0; ++spin) {
        if (spin < kSpins)
            relax();
        else
            std::this_thread::yield();
    }
}

}  // namespace abr::cpu
