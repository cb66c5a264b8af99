#include "engine/data/load_recordings.hpp"

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
    return config.data.source == DataSource::synthetic
               ? synthesise(config, report)
               : read_recordings(config.data, config.run.threads, report);
}

}  // namespace abr
