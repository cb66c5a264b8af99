// Tucker-Davis Technologies .arf, the binary record file of BioSigRZ and BioSigRP. Little-endian, packed:
//
//   file     int16 type, int16 groups, int16 records, int32 group_at[200], int32 record_at[2000], int32
//   group    int16 number, int16 first record, int16 records, char subject[16], reference[2][16], memo[50],
//            time begin, time end, char stimulus_file[2][100], char variable[10][15], char unit[10][5],
//            float period_us, int32, int16, int32, 92 bytes
//   record   int16 number, int16 group, time, int16, int16 stimulus, uint8 channel, uint8 type, uint16 samples,
//            float onset_delay_ms, float duration_ms, float period_us, float artifact_threshold, float gain, int16,
//            int16 averages, int16 artifacts, time begin, time end, float variable[10], 10 x 36 bytes of cursors,
//            float samples[] in volts
//
// A time has 8 bytes in files of BioSigRZ and 4 in those of BioSigRP; nothing in the file says which, so the one is
// taken with which every record of it makes sense. Records follow their group. The layout was read off public
// readers of it, not off a document of the maker. Onset delays: as in biosig_text.hpp.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kTdtArf;
}  // namespace abr
