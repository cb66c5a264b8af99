#include "engine/training/run.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/data/report.hpp"
#include "engine/error.hpp"
#include "engine/keys/load.hpp"
#include "engine/output/file.hpp"
#include "engine/output/folder_lock.hpp"
#include "engine/output/text_table.hpp"
#include "engine/records/console.hpp"
#include "engine/records/profile.hpp"
#include "engine/records/run_folder.hpp"
#include "engine/records/run_summary.hpp"
#include "engine/records/tables.hpp"
#include "engine/training/interrupt.hpp"
#include "engine/training/resume.hpp"
#include "engine/training/setup.hpp"
#include "engine/training/trainer.hpp"
#include "engine/version.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

Environment environment(const Config& config, const ChosenBackend& backend,
                        std::chrono::system_clock::time_point start) {
    Environment environment;
    environment.engine_version = kEngineVersion;
    environment.backend = backend.name();
    environment.device = backend.device;
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
    for (const Component c : kAllComponents)
        if (is_task(c) && !dataset.dropped[c].empty())
            console.warning(
                fmt::format("component `{}` is not trained: {}", task_of(c).name, dataset.dropped[c]));
    console.line(fmt::format("run folder: {}", folder.path().string()));
}

void tell_suspicions(Console& console, const ReadReport& rows) {
    for (const Suspicion& suspicion : rows.suspicions) console.warning(printable(suspicion_text(suspicion)));
}

// For the shell, in quotes only where it needs them.
std::string shell_word(const std::string& text) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./+,:=@";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
    std::string quoted = "'";
    for (const char c : text) c == '\'' ? quoted += "'\\''" : quoted += c;
    return quoted + "'";
}

// The folder's own configuration stands for the file and every --set that the run was begun with.
std::string resume_command(const RunFolder& folder, const RunOptions& options) {
    return fmt::format("{} run {} --experiment-name {} --output-dir {} --resume",
                       shell_word(program_invocation_name), shell_word(folder.file("config.toml").string()),
                       shell_word(folder.name()), shell_word(options.output_dir.string()));
}

void make_checkpoints_folder(const RunFolder& folder) {
    std::error_code error;
    std::filesystem::create_directory(folder.file("checkpoints"), error);
    if (error) throw file_error("make the folder", folder.file("checkpoints"), error.value());
}

// What --resume finds in the folder is said; nothing where there is no checkpoint.
std::optional<EarlierRun> earlier_run(const RunFolder& folder, const Session& session, Console& console) {
    const std::string path = folder.path().string();
    auto earlier = find_earlier_run(folder, session);
    if (!earlier) {
        console.line(fmt::format("no checkpoint in {} yet: the run begins", path));
        return earlier;
    }
    const TrainingProgress& progress = earlier->checkpoint.progress;
    if (earlier->finished) {
        console.line(fmt::format("the run in {} is finished: {} epochs are done", path, progress.epoch));
        return earlier;
    }
    console.line(
        fmt::format("going on with {} after {} epochs and {} steps", path, progress.epoch, progress.step));
    const Config& last = session.stages().back();
    const int epochs = last.training.epochs,
              epochs_before = stages_of(earlier->config).back().training.epochs;
    if (last.schedule.type == ScheduleType::cosine && epochs != epochs_before)
        console.warning(fmt::format(
            "the cosine schedule reaches its end with training.epochs, which was {} and is {} now: "
            "the learning rate is not what a run of {} epochs would have had so far",
            epochs_before, epochs, epochs));
    return earlier;
}

}  // namespace

int run_training(const Config& written, const RunOptions& options) {
    const auto start = std::chrono::system_clock::now();
    Console console = Console::standard(options.verbosity);
    const InterruptGuard guard;
    Session session(written);
    const Dataset& dataset = session.dataset;
    const Config& config = session.config;
    DataReport report =
        make_data_report(dataset, std::move(session.rows), sampler_of(session.stages().front(), dataset));

    // Before there is a folder: what a stage asks for may not be there.
    const bool has_stages = !config.stages.empty();
    Json stages = has_stages && !options.resume ? stages_json(session) : Json();

    console.line(session.backend.line());
    tell_suspicions(console, report.rows);
    const RunFolder folder = options.resume ? RunFolder::open(options.output_dir, options.name)
                                            : RunFolder::create(options.output_dir, options.name);
    const FolderLock lock(folder.path());
    if (folder.renamed())
        console.line(fmt::format("`{}` exists already; this run is `{}`", options.name, folder.name()));
    std::optional<EarlierRun> earlier;
    if (options.resume) {
        check_own_folder(folder);
        earlier = earlier_run(folder, session, console);
        if (config.data.source != DataSource::synthetic) check_same_recordings(folder, report);
    }
    if (earlier && earlier->finished) return 0;
    if (has_stages && options.resume && !earlier) stages = stages_json(session);
    make_checkpoints_folder(folder);
    for (const auto& place : {folder.path(), folder.file("checkpoints")}) remove_temporary_files(place);
    write_file_atomically(folder.file("config.toml"), to_toml(config));
    if (!stages.is_null()) write_json(folder.file("stages.json"), stages);
    write_environment(folder.file("environment.json"), environment(config, session.backend, start));
    write_split(folder.file("split.csv"), split_rows(dataset.patients, dataset.classes, dataset.split));
    // Later the one that is there also holds the metrics that the first validation found absent.
    if (!earlier || earlier->checkpoint.progress.epoch == 0)
        write_json(folder.file("data_report.json"), to_json(report));

    const auto training_start = std::chrono::steady_clock::now();
    RunSummary summary;
    summary.baselines = to_json(report.baselines);
    const auto write = [&] {
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - training_start;
        summary.wall_seconds = seconds.count();
        write_summary(folder.file("summary.json"), summary, dataset.classes);
    };
    RunObserver observer(folder, config, console);
    const auto tell_of_failure = [&] {
        summary.stop_reason = StopReason::failed;
        try {
            write();
            observer.observe();
        } catch (const std::exception& problem) {  // not instead of what ended the run
            console.warning(fmt::format("the run could not be summed up and judged: {}", problem.what()));
        }
    };
    std::optional<Profile> profile;
    if (options.profile) profile.emplace();
    try {
        Trainer trainer({session, folder, console, report, observer, earlier ? &earlier->checkpoint : nullptr,
                         profile ? &*profile : nullptr});
        describe(console, dataset, folder);
        trainer.run(summary);
        write();
    } catch (const FileError& error) {
        tell_of_failure();
        throw RunError(
            fmt::format("{}\nWhat was saved before is whole. Remove the cause, then go on with: {}",
                        error.what(), resume_command(folder, options)));
    } catch (const std::exception&) {
        tell_of_failure();
        throw;
    }
    if (profile) {
        write_profile(folder.file("profile.csv"), *profile);
        console.line(profile_text(*profile));
    }
    if (summary.stop_reason != StopReason::interrupted) return 0;
    console.warning(fmt::format("interrupted after {} epochs, all steps so far are saved; go on with: {}",
                                summary.epochs_done, resume_command(folder, options)));
    return 3;
}

}  // namespace abr
