// PhysioNet's WFDB records (https://physionet.org/physiotools/wag/: header(5), signal(5), annot(5)). The header RECORD.hea is
// the file to name; its signal files and its annotations, RECORD.atr or RECORD.trigger, lie in the same folder.
//
//   RECORD SIGNALS FREQUENCY SAMPLES                      then a line for each signal:
//   FILE FORMAT GAIN(BASELINE)/UNIT RESOLUTION ZERO INITIAL CHECKSUM BLOCK DESCRIPTION
//
// Read are formats 16, 24, 32, 61, 80 and 212 with one sample of each signal a frame and no skew. A sample is
// (value - baseline) / gain units. Annotations in MIT format are events, named by their text or their code. Averages
// and continuous recordings: epochs.hpp.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kWfdb;
}  // namespace abr
