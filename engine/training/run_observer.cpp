#include "engine/training/run_observer.hpp"

#include <fmt/core.h>

#include <cerrno>

#include "engine/diagnostics/report.hpp"
#include "engine/error.hpp"
#include "engine/keys/read_run.hpp"
#include "engine/output/file.hpp"

namespace abr {

void RunObserver::begin() {
    try {
        tables_.emplace(read_run(folder_.path()));
    } catch (const InputError&) {  // it was there when the run began
        throw file_error("read the run folder", folder_.path(), ENOENT);
    }
    if (!config_.logging.tensorboard) return;
    events_ = rewrite_run_events(folder_.path(), *tables_);
    if (!events_)
        console_.line(
            "no TensorBoard files: this build found no protobuf or libpng (libprotobuf-dev, libpng-dev)");
}

void RunObserver::observe() {
    if (!tables_) return;
    tables_->refresh();
    if (events_) events_->append(*tables_);
    if (config_.diagnostics.enabled) judge();
}

void RunObserver::judge() {
    const Diagnosis diagnosis = diagnose(*tables_);
    write_diagnosis(folder_.path(), diagnosis);
    for (const Finding& finding : diagnosis.findings) {
        if (!told_.insert(finding.rule).second) continue;
        if (finding.severity == Severity::info)
            console_.detail(one_line(finding));
        else  // the console itself says "warning"
            console_.warning(finding.severity == Severity::warning ? without_severity(finding)
                                                                   : one_line(finding));
    }
}

}  // namespace abr
