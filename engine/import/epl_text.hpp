// The text that the Eaton-Peabody Laboratories' Cochlear Function Test Suite writes: a level series in columns.
//
//   :RUN-3 LEVEL SWEEP TEMP:207.44 4/6/2007 ...      header lines begin with a colon; fields between tabs
//   :SW EAR: R  SW FREQ: 16.00  # AVERAGES: 512  REP RATE (/sec): 40  DRIVER: ...  SAMPLE (usec): 10
//   :NOTES-   :CHAMBER-412   :LEVELS:10;15;20;...;   frequency in kHz, or "click"; levels in dB
//   :DATA
//    -0.052685  -0.016803  ...                        a line for each sample, a column for each level, in uV
//
// Lines of the header end with a carriage return, those of the data with both. The first sample is at 0 ms. The file
// names no subject.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kEplText;
}  // namespace abr
