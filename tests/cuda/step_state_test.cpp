#include <doctest/doctest.h>

#include "tests/kernels/step_state_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("step state: all of it is written, as it was at the call") {
    cuda::Stream stream;
    for_each_schedule([&] { check_step_state(stream); });
}
