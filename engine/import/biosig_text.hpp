// Tucker-Davis Technologies BioSigRP and BioSigRZ, "Export to ASCII": one number a line.
//
//   ABR Group Header  =====          once a group: "Subject ID: ...", "SigGen File #1: ...", "Records: N"
//      Record Number: 0              then each record: "Aqu. Duration: 14.99 ms", "Onset Delay: 0 ms",
//      ...                           "No. Points: 366", "No. Averages: 512", "No. Artifacts: 0"
//          Variables:                "Freq = 16000 Hz" (none for a click), "Level = 90 dB", "Phase = 90 deg"
//   -1.03444e-005                    the samples, in volts, as many as No. Points says
//
// The first sample is at 0 ms. Whether an Onset Delay moves the stimulus or the recording the file does not say: one
// that is not 0 is refused unless --stimulus-ms says where the stimulus is.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kBiosigText;
}  // namespace abr
