// Inside of the layer: what runs now, and what the race detector needs to know of it.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>

#include "kernels/cuda_on_cpu/device_emulation.hpp"

namespace abr::emulation {

inline constexpr unsigned kWarpSize = 32;

// The running thread, both numbers linear.
struct Running {
    unsigned block = 0;
    unsigned thread = 0;
};

// Told of everything that orders accesses. Threads of a block are numbered from 0.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual void launch_begins() = 0;
    virtual void block_begins(unsigned threads) = 0;
    virtual void block_synchronised() = 0;
    virtual void lanes_synchronised(unsigned first_thread, std::uint32_t lanes) = 0;
    virtual void atomic_access(const void* p, std::size_t bytes, std::source_location) = 0;
    virtual void shared_memory_begins(const void* p, std::size_t bytes) = 0;
};
void set_observer(Observer*);

// Throws Fault where a device would refuse the launch.
void check(const Launch&);
// Runs every thread of every block. Throws Fault (fault.hpp).
void run(const Launch&);

// True while a kernel's own code runs: false on the host, between threads and inside the layer.
bool in_kernel();
Running running();
bool on_fiber_stack(const void* p);
// Whether it points into the arguments of the launch that runs.
bool in_arguments(const void* p);
// Lets the scheduler run another thread, or not.
void maybe_preempt();
// Ends the launch with a Fault. `where` is "file:line".
[[noreturn]] void report(const std::string& where, const std::string& what);

// Kernel, block, thread and seed of the launch under way; empty when none is.
std::string describe_launch();

// Marks the layer's own code, which the hooks of race builds have to leave alone.
class InsideLayer {
  public:
    InsideLayer();
    ~InsideLayer();
    InsideLayer(const InsideLayer&) = delete;
    InsideLayer& operator=(const InsideLayer&) = delete;

  private:
    bool was_in_kernel_;
};

}  // namespace abr::emulation
