// What is in a table that can be read but looks wrong, and would train silently: one judgement each, in one
// list.
#pragma once

#include <span>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/input/suspicion.hpp"
#include "engine/recordings.hpp"

namespace abr {

// Of one recording.
struct SignalSummary {
    double sd = 0;           // uV, as signal_moments
    float peak = 0;          // largest |sample|, uV
    std::uint64_t hash = 0;  // of its samples' bits
};

// A table and what several judgements need of it.
struct JudgedTable {
    const Recordings& recordings;
    const DataConfig& config;  // for the file's names of the columns
    std::vector<SignalSummary> signals;
};

// Every suspicion, in the order of the list. `threads` as in read_recordings. Limits are wide, so that sound
// data give none: engine/data/suspicions.cpp, unit_suspicions.cpp and patient_suspicions.cpp say them.
std::vector<Suspicion> find_suspicions(const Recordings&, const DataConfig&, int threads);

using Suspicions = std::vector<Suspicion>;
// The parts of the list.
void judge_units(const JudgedTable&, Suspicions&);  // values that look as if they were in another unit
void judge_alike_patients(const JudgedTable&, Suspicions&);  // identifiers that only spelling tells apart
void judge_lost_patients(const JudgedTable&, Suspicions&);   // identifiers that a program has spoilt
void judge_values(const JudgedTable&, Suspicions&);          // codes, zeros and what no recording can have
void judge_latencies(const JudgedTable&, Suspicions&);       // beyond the end of the recording
void judge_thresholds(const JudgedTable&, Suspicions&);      // several for one ear
void judge_samples(const JudgedTable&,
                   Suspicions&);  // larger or smaller than the others by orders of magnitude
void judge_repetitions(const JudgedTable&, Suspicions&);  // the same samples twice

}  // namespace abr
