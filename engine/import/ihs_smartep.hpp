// Intelligent Hearing Systems SmartEP, "Export to ASCII": text in cells, a block of columns for each average.
//
//   Identifier:,ID,,,,,,ID,,,,,,      header lines: a name, then each average's value in its block's first column
//   File Name:,WFRA10A.1,,,,,,...
//   ...                               Ear: L/R  Intensity: dB  Stim. Rate: 1/s  Sweeps:  Artifacts:
//   ...                               Smp. Period: us  Stim. Freq.: Hz, 0 for a click  Zero Position: a Data Pnt
//   Data Pnt:,Average:,Average(uV):,Buffer1:,Buffer1(uV):,Buffer2:,Buffer2(uV):,Average:,...
//      1,   0,   0.0000, ...          the number of the sample, counts and uV
//
// The average is the mean of both buffers. The sample at Zero Position is 0 ms: the sound is at the eardrum, as the
// device has counted the delay of the tube (0.9 ms) in. "Stim. Mode" is a code that the device's text does not explain
// and is not read.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kIhsSmartep;
}  // namespace abr
