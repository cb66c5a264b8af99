// What streams have still to do. A launch only queues its kernel, as on a device: nothing has happened before somebody
// waits, so that a host that reads too early, frees what a kernel still needs or changes what it passed by address is
// found out.
#pragma once

namespace abr::emulation {

// Runs what one stream has to do, or all of them in the order of the launches. A Fault ends it: what was queued behind
// it is dropped, as on a device, where nothing works after an error.
void finish(const void* stream);
void finish_all();
// Where nothing may be thrown: a Fault is kept for the next call of the two above.
void finish_all_quietly() noexcept;

}  // namespace abr::emulation
