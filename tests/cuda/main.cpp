// Runs the CUDA tests; says so where there is no device, with the exit code that ctest counts as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/cuda/stream.hpp"

int main(int argc, char** argv) {
    doctest::Context context(argc, argv);
    const bool runs = !context.shouldExit();
    if (runs && !abr::cuda::device_available()) {
        bool lists = false;
        for (int i = 1; i < argc; ++i) lists = lists || std::string_view(argv[i]).starts_with("--list");
        if (!lists) {
            std::puts("skipped: no device");
            return 77;
        }
    }
    return context.run();
}
