// European Data Format and its relatives: EDF, EDF+ (https://www.edfplus.info/specs/) and BioSemi's BDF, in 24 bits.
//
// A header of 256 bytes and 256 for each signal, in ASCII; then records of samples, 16 (24) bits, little-endian, each
// signal's one behind the other. Stimuli are the annotations of EDF+ (signals "EDF Annotations", "BDF Annotations") and
// the changes of the lower 16 bits of BDF's signal "Status" to another value than 0. Signals whose unit is none of volts
// are left out, with a note. Averages and continuous recordings: epochs.hpp. Discontinuous files (EDF+D) are refused.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kEdf;
}  // namespace abr
