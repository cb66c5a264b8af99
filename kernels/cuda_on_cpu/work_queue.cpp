#include "kernels/cuda_on_cpu/work_queue.hpp"

#include <deque>
#include <exception>
#include <utility>

#include "kernels/cuda_on_cpu/execution.hpp"
#include "kernels/cuda_on_cpu/launch_log.hpp"

namespace abr::emulation {
namespace {

struct Work {
    const void* stream;
    Launch launch;
};

class WorkQueue {
  public:
    void add(const void* stream, Launch launch) { work_.push_back({stream, std::move(launch)}); }

    // Of all streams where `stream` is null.
    void finish(const void* stream) {
        if (kept_) std::rethrow_exception(std::exchange(kept_, nullptr));
        std::deque<Work> others;
        for (std::deque<Work> work = std::exchange(work_, {}); !work.empty(); work.pop_front()) {
            Work& next = work.front();
            if (stream && next.stream != stream)
                others.push_back(std::move(next));
            else
                run(next.launch);
        }
        work_ = std::move(others);
    }
    void finish_quietly() noexcept {
        if (kept_) return;
        try {
            finish(nullptr);
        } catch (...) {
            kept_ = std::current_exception();
        }
    }

  private:
    std::deque<Work> work_;
    std::exception_ptr kept_;
};

WorkQueue& work_queue() {
    static WorkQueue instance;
    return instance;
}

}  // namespace

void queue(const void* stream, Launch launch) {
    check(launch);
    note_launch(launch);
    work_queue().add(stream, std::move(launch));
}
void finish(const void* stream) {
    work_queue().finish(stream);
}
void finish_all() {
    work_queue().finish(nullptr);
}
void finish_all_quietly() noexcept {
    work_queue().finish_quietly();
}

}  // namespace abr::emulation
