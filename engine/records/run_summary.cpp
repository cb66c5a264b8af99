#include "engine/records/run_summary.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <hwy/highway.h>
#include <toml++/impl/version.h>

#include <CLI/Version.hpp>
#include <Eigen/Core>
#include <fstream>

namespace abr {
namespace {

const char* name(StopReason reason) {
    switch (reason) {
        case StopReason::finished:
            return "finished";
        case StopReason::early_stopping:
            return "early_stopping";
        case StopReason::interrupted:
            return "interrupted";
        case StopReason::failed:
            return "failed";
    }
    throw std::logic_error("a stop reason without a name");
}

Json split_json(const std::optional<SplitMetrics>& metrics, std::span<const std::string> class_names) {
    if (!metrics) return nullptr;
    Json object = Json::object();
    for_each_metric(*metrics, class_names, [&](const std::string& metric_name, const Metric& metric) {
        object[metric_name] = to_json_value(metric);
    });
    return object;
}

}  // namespace

void write_summary(const std::filesystem::path& path, const RunSummary& summary,
                   std::span<const std::string> class_names) {
    Json document;
    document["best_epoch"] = summary.best_epoch ? Json(*summary.best_epoch) : Json(nullptr);
    document["epochs_done"] = summary.epochs_done;
    document["val"] = split_json(summary.val, class_names);
    document["test"] = split_json(summary.test, class_names);
    document["baselines"] = summary.baselines;
    document["wall_seconds"] = summary.wall_seconds;
    document["recordings_per_second"] = summary.recordings_per_second;
    document["stop_reason"] = name(summary.stop_reason);
    write_json(path, document);
}

std::optional<StopReason> recorded_end(const std::filesystem::path& path, std::int64_t epochs_done) {
    std::ifstream file(path);
    const Json document = Json::parse(file, nullptr, false);
    if (!document.is_object() || document.value("epochs_done", Json()) != epochs_done) return std::nullopt;
    for (const auto reason :
         {StopReason::finished, StopReason::early_stopping, StopReason::interrupted, StopReason::failed})
        if (document.value("stop_reason", Json()) == name(reason)) return reason;
    return std::nullopt;
}

void write_environment(const std::filesystem::path& path, const Environment& environment) {
    Json document;
    document["engine_version"] = environment.engine_version;
    document["backend"] = environment.backend;
    document["device"] = environment.device;
    document["threads"] = environment.threads;
    document["compiler"] = environment.compiler;
    document["libraries"] = Json::object();
    for (const auto& [library, version] : environment.libraries) document["libraries"][library] = version;
    document["start_time"] = environment.start_time;
    document["git_revision"] =
        environment.git_revision.empty() ? Json(nullptr) : Json(environment.git_revision);
    write_json(path, document);
}

std::string compiler_name() {
#if defined(__clang__)
    return "Clang " __clang_version__;
#else
    return "GCC " __VERSION__;
#endif
}

std::vector<std::pair<std::string, std::string>> library_versions() {
    const auto dotted = [](int major, int minor, int patch) {
        return fmt::format("{}.{}.{}", major, minor, patch);
    };
    return {
        {"CLI11", CLI11_VERSION},
        {"Eigen", dotted(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
        {"fmt", dotted(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
        {"Highway", dotted(HWY_MAJOR, HWY_MINOR, HWY_PATCH)},
        {"nlohmann-json",
         dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
        {"toml++", dotted(TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH)},
    };
}

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    constexpr std::string_view kKey = "model name";
    for (std::string line; std::getline(file, line);) {
        const std::size_t colon = line.find(": ");
        if (line.starts_with(kKey) && colon != std::string::npos) return line.substr(colon + 2);
    }
    return "unknown";
}

std::string utc_time(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace abr
