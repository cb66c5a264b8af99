// Makes crashes inside kernels say where they happened.
#pragma once

namespace abr::emulation {

// From now on a segmentation fault in a kernel, or an abort by a sanitizer, prints file and line (the sanitizer's
// own report has them), kernel, block, thread and seed. Called before each launch: test frameworks take signals, too.
void report_crashes();

}  // namespace abr::emulation
