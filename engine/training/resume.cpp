#include "engine/training/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"
#include "engine/records/run_summary.hpp"
#include "engine/training/setup.hpp"

namespace abr {
namespace {

constexpr const char* kBeginAnew = "begin a new run under another name (--experiment-name, without --resume)";

bool may_differ(const ConfigDifference& difference, const Config& earlier, const Config& now) {
    const Config &last = stages_of(now).back(), &last_earlier = stages_of(earlier).back();
    if (difference.key == path_in_stage(last.stage.name, "training.epochs"))
        return last.training.epochs > last_earlier.training.epochs;
    return difference.key == "run.name" || difference.key == "run.threads" || difference.key == "run.backend";
}

void check_same_configuration(const std::filesystem::path& folder, const Config& earlier, const Config& now) {
    auto differences = config_differences(earlier, now);
    std::erase_if(differences, [&](const auto& d) { return may_differ(d, earlier, now); });
    if (differences.empty()) return;
    const auto text = [](const std::string& value) { return value.empty() ? "not set" : value; };
    std::string list;
    for (const auto& d : differences)
        list += fmt::format("\n  {} was {}, is {} now", d.key, text(d.first), text(d.second));
    throw InputError(fmt::format(
        "'{}' holds a run with another configuration:{}\n"
        "Only run.threads, run.backend and a larger {} may change; give the earlier values, or {}",
        folder.string(), list, path_in_stage(stages_of(now).back().stage.name, "training.epochs"),
        kBeginAnew));
}

// Equal but for what the mathematical functions of another processor may round differently.
bool same(const std::vector<double>& a, const std::vector<double>& b) {
    return std::ranges::equal(a, b, [](double x, double y) {
        return std::abs(x - y) <= 1e-9 * (1 + std::max(std::abs(x), std::abs(y)));
    });
}

// Not fmt::join, whose formatting of doubles, inlined here, GCC 13 takes for an access out of bounds.
std::string list_of(const std::vector<double>& values) {
    std::string list;
    for (const double value : values) list += fmt::format("{}{}", list.empty() ? "" : ", ", value);
    return list;
}

void check_same_data(const std::string& file, const Checkpoint& checkpoint, const Config& config,
                     const Dataset& dataset) {
    const auto reject = [&](const std::string& what) {
        throw InputError(
            fmt::format("{}: the data are not those that the run was begun with: {}; give the "
                        "earlier data, or {}",
                        file, what, kBeginAnew));
    };
    if (checkpoint.data.classes != dataset.classes) reject("other classes");
    if (checkpoint.data.sample_interval_ms != dataset.sample_interval_ms)
        reject(fmt::format("the sample interval was {} ms, is {} ms now", checkpoint.data.sample_interval_ms,
                           dataset.sample_interval_ms));
    if (checkpoint.data.first_sample_ms != dataset.first_sample_ms)
        reject(fmt::format("the first sample was at {} ms, is at {} ms now", checkpoint.data.first_sample_ms,
                           dataset.first_sample_ms));
    const auto then = to_named_arrays(checkpoint.statistics),
               now = to_named_arrays(statistics_of(config, dataset));
    for (std::size_t i = 0; i < now.size(); ++i)
        if (!same(then[i].values, now[i].values))
            reject(fmt::format("`{}`, fitted on the training rows, was [{}], is [{}] now", now[i].name,
                               list_of(then[i].values), list_of(now[i].values)));
}

void check_same_network(const std::string& file, const Checkpoint& checkpoint, const Config& config,
                        const Dataset& dataset) {
    if (!same_network(checkpoint.shape, learner_settings(config, dataset).shape))
        throw InputError(
            fmt::format("{}: the checkpoint is of another network than the run's; {}", file, kBeginAnew));
    if (checkpoint.learner.ema.empty() != (config.training.ema_decay == 0))
        throw InputError(fmt::format(
            "{}: the checkpoint {} an average of the weights (training.ema_decay = {}); {}", file,
            checkpoint.learner.ema.empty() ? "lacks" : "has", config.training.ema_decay, kBeginAnew));
}

// config: of the stage that progress tells of.
void check_progress(const std::string& file, const TrainingProgress& progress, const Config& config,
                    const Dataset& dataset) {
    const std::int64_t steps = steps_per_epoch(config, dataset);
    const std::int64_t epochs = progress.epoch - progress.begin.epoch;
    const auto begun = std::ssize(progress.epoch_steps);
    if (begun > steps || epochs > config.training.epochs ||
        progress.step - begun != progress.begin.step + epochs * steps)
        throw InputError(
            fmt::format("{}: {} steps and {} epochs do not go together with {} steps an epoch; {}", file,
                        progress.step, progress.epoch, steps, kBeginAnew));
}

// The stage that a checkpoint is of.
const Config& stage_of(const std::string& file, const TrainingProgress& progress, const Session& session) {
    const auto stages = session.stages();
    if (progress.begin.stage >= std::ssize(stages))
        throw InputError(fmt::format("{}: the checkpoint is of stage {} and the run has {}; {}", file,
                                     progress.begin.stage + 1, stages.size(), kBeginAnew));
    return stages[static_cast<std::size_t>(progress.begin.stage)];
}

// The best checkpoint is what the end of a stage hands on and that of the run measures: better to miss it now
// than then.
void check_best(const RunFolder& folder, const TrainingProgress& progress, const Session& session) {
    const bool by_f1 = is_judged_by_f1(stage_of({}, progress, session), session.dataset);
    const BestEpoch& best = by_f1 ? progress.best_f1 : progress.best_loss;
    if (best.epoch < 0 || is_state_after(progress, best)) return;  // in the latter case it is written again
    const auto path = folder.file(by_f1 ? kBestF1Checkpoint : kBestLossCheckpoint);
    const Checkpoint checkpoint = load_checkpoint_of_run(path, session);
    if (!is_state_after(checkpoint.progress, best))
        throw InputError(
            fmt::format("{}: expected the checkpoint of epoch {}, the best so far, found that of "
                        "epoch {}; {}",
                        path.string(), best.epoch, checkpoint.progress.epoch - 1, kBeginAnew));
}

}  // namespace

void check_own_folder(const RunFolder& folder) {
    std::error_code error;
    const auto is_there = [&](std::string_view name) {
        return std::filesystem::exists(folder.file(name), error);
    };
    const auto refuse = [&](std::string_view name) {
        throw InputError(fmt::format(
            "{}: no run of this program has written it, and a run in this folder would replace it; {}",
            folder.file(name).string(), kBeginAnew));
    };
    if (is_there("config.toml")) {
        std::ifstream file(folder.file("config.toml"));
        std::string line;
        if (!std::getline(file, line) || !line.starts_with(kResolvedConfiguration)) refuse("config.toml");
        return;
    }
    for (const std::string_view name :
         {"environment.json", "split.csv", "data_report.json", "epochs.csv", "steps.csv",
          "predictions_val.csv", "predictions_test.csv", "by_level.csv", "reliability.csv", "summary.json"})
        if (is_there(name)) refuse(name);
}

void check_same_recordings(const RunFolder& folder, const DataReport& now) {
    const auto path = folder.file("data_report.json");
    std::ifstream file(path, std::ios::binary);
    const Json earlier = Json::parse(file, nullptr, false);
    if (!earlier.is_object() || !earlier.contains("fingerprints")) return;
    for (std::size_t s = 0; s < kSplits; ++s) {
        const std::string name(kSplitNames[s]);
        const Json& fingerprint = earlier["fingerprints"].value(name, Json());
        if (!fingerprint.is_string() || fingerprint == now.fingerprints[s]) continue;
        throw InputError(fmt::format(
            "{}: the data are not those that the run was begun with: recordings or labels of the split "
            "'{}' are others; give the earlier data, or {}",
            path.string(), name, kBeginAnew));
    }
}

Checkpoint load_checkpoint_of_run(const std::filesystem::path& path, const Session& session) {
    Checkpoint checkpoint = load_checkpoint(path);
    const Config& stage = stage_of(path.string(), checkpoint.progress, session);
    check_same_data(path.string(), checkpoint, stage, session.dataset);
    check_same_network(path.string(), checkpoint, stage, session.dataset);
    check_progress(path.string(), checkpoint.progress, stage, session.dataset);
    return checkpoint;
}

std::optional<EarlierRun> find_earlier_run(const RunFolder& folder, const Session& session) {
    const auto last = folder.file(kLastCheckpoint);
    if (!std::filesystem::exists(last)) return std::nullopt;
    EarlierRun earlier;
    earlier.config = load_config(folder.file("config.toml"));
    check_same_configuration(folder.path(), earlier.config, session.config);
    earlier.checkpoint = load_checkpoint_of_run(last, session);
    const TrainingProgress& progress = earlier.checkpoint.progress;
    check_best(folder, progress, session);
    const auto end = recorded_end(folder.file("summary.json"), progress.epoch);
    const bool has_all_epochs =
        progress.epoch - progress.begin.epoch == session.stages().back().training.epochs;
    earlier.finished = progress.begin.stage + 1 == std::ssize(session.stages()) &&
                       (end == StopReason::early_stopping || (end == StopReason::finished && has_all_epochs));
    return earlier;
}

}  // namespace abr
