// What looks at a run while it trains: the diagnostic rules and TensorBoard, both from the CSVs just written.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "engine/config/config.hpp"
#include "engine/records/console.hpp"
#include "engine/records/recorded_run.hpp"
#include "engine/records/run_folder.hpp"
#include "engine/tensorboard/run_events.hpp"

namespace abr {

class RunObserver {
  public:
    // All three outlive the observer.
    RunObserver(const RunFolder& folder, const Config& config, Console& console)
        : folder_(folder), config_(config), console_(console) {}

    // Once the tables stand as the run begins or goes on with them: writes the event file from them.
    void begin();
    // After the rows of an epoch, and when the run has ended in whatever way: appends to the event file, judges
    // the run, says what is new, replaces diagnostics.json and diagnostics.md.
    void observe();

  private:
    void judge();

    const RunFolder& folder_;
    const Config& config_;
    Console& console_;
    std::optional<RecordedRun> tables_;
    std::unique_ptr<RunEvents> events_;
    std::set<std::string> told_;  // rules
};

}  // namespace abr
