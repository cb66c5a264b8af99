// Averages of a continuous recording around the stimuli that are marked in it, for layouts that hold such recordings.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/import/layout.hpp"

namespace abr {

struct Continuous {
    struct Channel {
        std::string name;
        double interval_ms = 0;
        std::vector<float> samples;  // uV
    };
    struct Event {
        double time_ms = 0;  // after the first sample
        std::string name;
    };
    std::string patient;
    std::vector<Channel> channels;
    std::vector<Event> events;
};

// Hands on one average for each channel and name of events: the mean over the epochs options.epoch_ms around them, as
// far as they lie within the recording and stay below options.reject_uv in size; epochs are counted as sweeps, rejected
// ones as such, and every other epoch goes to the other half buffer. The name is the average's record; its level is the
// number before "dB" in it. A recording without events that is no longer than a second is taken as an average itself, with
// the stimulus at options.stimulus_ms. InputError: a longer one without events, or without options.epoch_ms; no event of
// options.events; no channel.
void average_epochs(const std::filesystem::path&, Continuous, const ReadOptions&, const AverageSink&);

}  // namespace abr
