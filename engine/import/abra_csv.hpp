// CSV as the Auditory Brainstem Response Analyzer (ABRA) takes and writes it: an average a line.
//
//   Freq(Hz),Level(dB),0,1,2,...,243       names in any case; other columns may stand beside them
//   8000.0,90.0,-0.0123,...                frequency in Hz or "Click"; level in dB; samples in uV
//
// The file holds no time (--source-interval-ms), no subject and no ear. A line may end before the last sample's
// column. ABRA's older exports of clicks hold the level under Freq(Hz): a note tells of lines that look so.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kAbraCsv;
}  // namespace abr
