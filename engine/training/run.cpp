#include "engine/training/run.hpp"

#include <fmt/core.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <utility>

#include "engine/config/load.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/report.hpp"
#include "engine/data/sampler.hpp"
#include "engine/error.hpp"
#include "engine/output/console.hpp"
#include "engine/output/file.hpp"
#include "engine/output/run_folder.hpp"
#include "engine/output/run_summary.hpp"
#include "engine/output/tables.hpp"
#include "engine/training/load_recordings.hpp"
#include "engine/training/trainer.hpp"
#include "engine/version.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

Environment environment(const Config& config, std::chrono::system_clock::time_point start) {
    Environment environment;
    environment.engine_version = kEngineVersion;
    environment.backend = "cpu";
    environment.device = processor_name();
    environment.threads = cpu::Stream(config.run.threads).threads();
    environment.compiler = compiler_name();
    environment.libraries = library_versions();
    environment.start_time = utc_time(start);
    environment.git_revision = ABR_GIT_REVISION;
    return environment;
}

std::string counts(const Dataset& dataset) {
    std::string text;
    for (std::size_t s = 0; s < kSplits; ++s)
        text += fmt::format("{}{} {}", s == 0 ? "" : ", ", kSplitNames[s], dataset.parts[s].rows);
    return text;
}

void describe(Console& console, const Dataset& dataset, const RunFolder& folder) {
    console.line(fmt::format(
        "{} recordings of {} patients ({}), {} samples of {} ms",
        [&] {
            Index rows = 0;
            for (const auto& part : dataset.parts) rows += part.rows;
            return rows;
        }(),
        dataset.patients.size(), counts(dataset), dataset.length, dataset.sample_interval_ms));
    for (std::size_t c = 0; c < kComponents; ++c)
        if (!dataset.dropped[c].empty())
            console.warning(
                fmt::format("component `{}` is not trained: {}", kComponentNames[c], dataset.dropped[c]));
    console.line(fmt::format("run folder: {}", folder.path().string()));
}

}  // namespace

int run_training(const Config& written, const RunOptions& options) {
    const auto start = std::chrono::system_clock::now();
    Console console = Console::standard(options.verbosity);

    ReadReport rows;
    Recordings recordings = load_recordings(written, rows);
    const Dataset dataset = build_dataset(std::move(recordings), written);
    const Config config = with_dropped_weights(written, dataset);
    const EpochSampler sampler(config.training.sampler, dataset.part(Split::train).label,
                               dataset.classes.size(), config.training.max_repeats, config.run.seed);
    DataReport report = make_data_report(dataset, std::move(rows), sampler);

    const RunFolder folder = RunFolder::create(options.output_dir, options.name);
    if (folder.renamed())
        console.line(fmt::format("`{}` exists already; this run is `{}`", options.name, folder.name()));
    std::filesystem::create_directory(folder.file("checkpoints"));
    write_file_atomically(folder.file("config.toml"), to_toml(config));
    write_environment(folder.file("environment.json"), environment(config, start));
    write_split(folder.file("split.csv"), split_rows(dataset.patients, dataset.classes, dataset.split));
    write_json(folder.file("data_report.json"), to_json(report));

    const auto training_start = std::chrono::steady_clock::now();
    RunSummary summary;
    summary.baselines = to_json(report.baselines);
    const auto write = [&] {
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - training_start;
        summary.wall_seconds = seconds.count();
        write_summary(folder.file("summary.json"), summary, dataset.classes);
    };
    try {
        Trainer trainer({config, dataset, sampler, folder, console, report});
        describe(console, dataset, folder);
        trainer.run(summary);
    } catch (const std::exception&) {
        summary.stop_reason = StopReason::failed;
        write();
        throw;
    }
    write();
    return summary.stop_reason == StopReason::interrupted ? 3 : 0;
}

}  // namespace abr
