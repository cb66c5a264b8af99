// What the tests of the step's state share on every backend.
#pragma once

#include "kernels/step_state.hpp"
#include "tests/kernels/on_backend.hpp"

namespace abr::test {

// Every field is written, and what is changed behind the call does not reach the device.
template <class Stream>
void check_step_state(Stream& stream) {
    StepState written{.seed = 0xFEDCBA9876543210u,
                      .step = std::int64_t{1} << 40,
                      .epoch = 3,
                      .first = 4,
                      .count = 14,
                      .record = 5,
                      .learning_rate = 6,
                      .ema_decay = 7,
                      .weights = {{8, 9, 10, 11, 12, 13}}};
    const StepState expected = written;
    StepState found;
    with_arguments(stream, [&](auto& on) {
        write_step_state(stream, written, on(found));
        written = {};
    });
    CHECK(found == expected);
}

}  // namespace abr::test
