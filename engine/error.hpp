// The two ways in which a command ends badly. Anything else that is thrown is a defect of the program and is
// reported as a failed run.
#pragma once

#include <stdexcept>

namespace abr {

// Bad input, configuration or usage: exit code 2. The message names the place, the value, what was expected
// and the remedy.
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The run itself failed: exit code 1.
struct RunError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace abr
