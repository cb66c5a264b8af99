// What a segmentation fault in a kernel and an abort by a sanitizer print before the program ends.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <ucontext.h>
#include <unistd.h>

#include "kernels/cuda_on_cpu/crash.hpp"
#include "kernels/cuda_on_cpu/execution.hpp"
#include "kernels/cuda_on_cpu/fault.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace abr::emulation {

#if defined(__SANITIZE_ADDRESS__)

void report_crashes() {
    __sanitizer_set_death_callback(
        [] { std::fprintf(stderr, "while a kernel ran:\n%s\n", describe_launch().c_str()); });
}

#else
namespace {

// Not async-signal-safe, as no symbolising handler is; the program is lost in any case.
void handle(int, siginfo_t* info, void* context) {
    std::signal(SIGSEGV, SIG_DFL);
    const auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto* instruction = reinterpret_cast<const void*>(registers[REG_RIP]);
    const bool was_in_kernel = in_kernel();
    const InsideLayer inside;
    if (!was_in_kernel) return;  // the host's fault: the default action ends the program
    std::fprintf(
        stderr,
        "%s: segmentation fault at address %p: out of bounds, a misaligned vector, or a stack overflow\n%s\n",
        place(instruction).c_str(), info->si_addr, describe_launch().c_str());
    std::_Exit(EXIT_FAILURE);
}

}  // namespace

void report_crashes() {
    static char stack[64 * 1024];
    const stack_t alternate = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
    sigaltstack(&alternate, nullptr);
    struct sigaction action {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, nullptr);
}
#endif

}  // namespace abr::emulation
