// The CPU's stream: where ops run, in the order they are issued. It owns the worker threads.
//
// An op splits its work into numbered tasks whose number and content depend on shapes alone, never on the number
// of threads; every task writes its own outputs. The same bits then come out for any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "kernels/profile.hpp"
#include "kernels/view.hpp"

namespace abr::cpu {

class Stream {
  public:
    // threads = 0: one for each core this process may use.
    explicit Stream(int threads = 0);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // Calls task(i) once for each i in [0, count), spread over the threads; returns when all are done. Allocates
    // nothing. `task` must not throw and must not call parallel_for.
    //
    // task(i, slot) is told a number below min(count, threads()) that no other task has at the same time: memory that
    // belongs to a slot stays in the cache of the thread that works there.
    template <class Task>
    void parallel_for(Index count, const Task& task) {
        run(count, &task, [](const void* object, Index i, [[maybe_unused]] Index slot) {
            if constexpr (std::is_invocable_v<const Task&, Index, Index>)
                (*static_cast<const Task*>(object))(i, slot);
            else
                (*static_cast<const Task*>(object))(i);
        });
    }

    // Where ops note their time; null, as at first, for nowhere. The profile outlives its use here.
    void set_profile(Profile* profile) { profile_ = profile; }
    Profile* profile() const { return profile_; }

    // CPU ops have finished when they return; a CUDA stream waits here.
    void synchronize() {}

  private:
    using Call = void (*)(const void* object, Index i, Index slot);
    void run(Index count, const void* object, Call call);
    void work();
    void take_tasks();

    Profile* profile_ = nullptr;
    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<std::uint64_t> round_{0};  // a job's number; workers wait for it to change
    std::atomic<Index> next_{0};
    std::atomic<Index> slots_{0};  // taken
    std::atomic<int> busy_{0};
    std::atomic<bool> stop_{false};
    Index count_ = 0;
    const void* object_ = nullptr;
    Call call_ = nullptr;
};

}  // namespace abr::cpu
