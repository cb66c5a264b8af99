// SIGINT and SIGTERM during a run: the first asks for a stop after the current optimiser step, a second
// SIGINT ends the process at once with exit code 130.
#pragma once

namespace abr {

// Installs the handlers for its lifetime and restores the earlier ones.
class InterruptGuard {
  public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;

    static bool requested();
};

}  // namespace abr
