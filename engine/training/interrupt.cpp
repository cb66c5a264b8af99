#include "engine/training/interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>

namespace abr {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM};
volatile sig_atomic_t requests = 0;
std::array<struct sigaction, kSignals.size()> earlier;

void on_signal(int signal) {
    if (requests > 0 && signal == SIGINT) _exit(130);
    requests = requests + 1;
}

}  // namespace

InterruptGuard::InterruptGuard() {
    requests = 0;
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &earlier[i]);
}

InterruptGuard::~InterruptGuard() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &earlier[i], nullptr);
}

bool InterruptGuard::requested() {
    return requests > 0;
}

}  // namespace abr
