// Makes the system refuse, or the process die, at a chosen call that changes a file: opening one for writing,
// writing, flushing, closing, renaming. Linked into a test program it does so there; as the library
// abr_file_faults, named in LD_PRELOAD, in any program:
//   ABR_FAULT=<kind>:<n>   the n-th such call, counted from 1
//     fail   it fails with "No space left on device", alone
//     full   half of what it writes is written, and every later call that needs room fails so
//     kill   half of what it writes is written, then the process is gone as after kill -9
// Only files that were opened for writing count, so what is printed does not.
#pragma once

#include <cstdint>

namespace abr::test {

enum class Fault { none, fail, full, kill };

// From now on; earlier calls are forgotten.
void set_file_fault(Fault, std::int64_t call);
// Calls since then.
std::int64_t file_calls();

}  // namespace abr::test
