#include "engine/data/load_recordings.hpp"

#include <utility>

#include "engine/data/suspicions.hpp"
#include "engine/synthetic/cohort.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

Recordings synthesise(const Config& config, ReadReport& report) {
    cpu::Stream stream(config.run.threads);
    const auto& synthetic = config.data.synthetic;
    Recordings recordings = generate_cohort({.preset = synthetic.preset == CohortPreset::a ? 'A' : 'B',
                                             .patients = synthetic.patients,
                                             .seed = synthetic.seed},
                                            stream);
    report.read = report.used = recordings.rows;
    report.ranges = value_ranges(recordings);
    return recordings;
}

}  // namespace

Recordings load_recordings(const Config& config, ReadReport& report) {
    if (config.data.source == DataSource::synthetic) return synthesise(config, report);
    Recordings recordings = read_recordings(config.data, config.run.threads, report);
    for (Suspicion& suspicion : find_suspicions(recordings, config.data, config.run.threads))
        report.suspicions.push_back(std::move(suspicion));
    return recordings;
}

}  // namespace abr
