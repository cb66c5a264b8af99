// summary.json and environment.json.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/output/json.hpp"
#include "metrics/split_metrics.hpp"

namespace abr {

enum class StopReason { finished, early_stopping, interrupted, failed };

struct RunSummary {
    std::optional<std::int64_t> best_epoch;  // empty: none was validated
    std::int64_t epochs_done = 0;
    std::optional<SplitMetrics> val, test;  // of the best checkpoint
    Json baselines;                         // as in data_report.json
    double wall_seconds = 0;                // since the run was begun or last gone on with
    double recordings_per_second = 0;
    StopReason stop_reason = StopReason::finished;
};
void write_summary(const std::filesystem::path& path, const RunSummary&,
                   std::span<const std::string> class_names);
// The stop reason of the summary there; nothing where none can be read, or it tells of another number of epochs.
std::optional<StopReason> recorded_end(const std::filesystem::path& path, std::int64_t epochs_done);

struct Environment {
    std::string engine_version;
    std::string backend;  // "cpu", "cuda"
    std::string device;   // its name as the system gives it
    int threads = 0;
    std::string compiler;
    std::vector<std::pair<std::string, std::string>> libraries;  // name, version
    std::string start_time;                                      // UTC, ISO 8601
    std::string git_revision;                                    // empty where it is not known
};
void write_environment(const std::filesystem::path& path, const Environment&);

std::string compiler_name();
std::vector<std::pair<std::string, std::string>> library_versions();
std::string processor_name();  // from /proc/cpuinfo; "unknown" elsewhere
std::string utc_time(std::chrono::system_clock::time_point);

}  // namespace abr
