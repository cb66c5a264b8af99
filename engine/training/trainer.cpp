#include "engine/training/trainer.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "engine/error.hpp"
#include "engine/output/file.hpp"
#include "engine/training/evaluation.hpp"
#include "engine/training/interrupt.hpp"
#include "engine/training/resume.hpp"
#include "engine/training/row_metrics.hpp"

namespace abr {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

PerComponent<bool> present_components(const Dataset& dataset) {
    PerComponent<bool> present;
    for (const Component c : kAllComponents) present[c] = dataset.is_on(c);
    return present;
}

ResumePoint resume_point(const Checkpoint* resumed) {
    return resumed ? ResumePoint{resumed->progress.epoch, resumed->progress.step} : ResumePoint{};
}

// Strictly better, so that ties keep the earliest; the first value always counts.
bool improves(const BestEpoch& best, double value, double min_delta = 0) {
    return value > best.value + min_delta;
}

}  // namespace

Trainer::Trainer(const RunParts& parts)
    : p_(parts),
      stage_(std::in_place, p_.session, p_.resumed ? p_.resumed->progress.begin : StageBegin{}),
      present_(present_components(dataset())),
      log_(p_.folder, dataset().classes,
           {present_, !dataset().part(Split::train).ear.empty(), !p_.session.config.stages.empty()},
           resume_point(p_.resumed)),
      progress_(checkpoint_.progress) {
    describe_stage();
    if (p_.resumed) {
        stage_->learner().restore(p_.resumed->learner);
        progress_ = p_.resumed->progress;
        checkpoint_.evaluation.temperature = p_.resumed->evaluation.temperature;
    } else {
        origin_ = initialise(stage_->learner(), p_.session, config(), {});
    }
}

// What a checkpoint says of the stage.
void Trainer::describe_stage() {
    checkpoint_.shape = stage_->learner().network().shape();
    checkpoint_.data = {dataset().classes, dataset().sample_interval_ms, dataset().first_sample_ms};
    checkpoint_.statistics = statistics_of(config(), dataset());
    checkpoint_.evaluation =
        evaluation_settings(learner_settings(config(), dataset()), stage_->final_weights());
}

void Trainer::begin_next_stage() {
    // What the stage hands on is its best epoch.
    const auto previous = p_.folder.file(best().epoch >= 0 ? best_file() : kLastCheckpoint);
    progress_ = next_stage(progress_);
    stage_.reset();  // the memory of its learner first
    stage_.emplace(p_.session, progress_.begin);
    describe_stage();
    origin_ = initialise(stage_->learner(), p_.session, config(), previous);
    announce_stage();
    probe_space();
    check_gradients();
    stage_->learner().set_profile(p_.profile);
}

void Trainer::announce_stage() const {
    const std::string title = stage_->title();
    if (title.empty()) return;
    const auto names = [](const std::vector<std::string>& all) {
        return all.empty() ? "none" : fmt::format("{} ({})", all.size(), fmt::join(all, ", "));
    };
    std::string weights = "initial weights";
    if (progress_.step > progress_.begin.step) weights = "going on";
    if (origin_)
        weights = fmt::format("weights of {}: {} tensors; fresh: {}; in the file alone: {}",
                              config().stage.init_from.string(), origin_->loaded.size(),
                              names(origin_->fresh), names(origin_->unused));
    p_.console.line(fmt::format("{}, {} epochs, {}", title, config().training.epochs, weights));
}

void Trainer::run(RunSummary& summary) {
    last_save_ = Clock::now();
    summarise(summary);
    if (!stage_->is_done(progress_)) announce_stage();
    probe_space();
    if (p_.resumed)
        save(best_files());
    else
        check_gradients();
    p_.observer.begin();
    stage_->learner().set_profile(p_.profile);
    interrupted_ = InterruptGuard::requested();
    while (!finished() && !interrupted_) {
        if (stage_->is_done(progress_)) begin_next_stage();
        epoch_start_ = Clock::now();
        train_epoch();
        if (interrupted_) break;
        finish_epoch(summary);
        interrupted_ = InterruptGuard::requested();
    }
    summarise(summary);
    if (!finished()) {
        summary.stop_reason = StopReason::interrupted;
        return;
    }
    if (progress_.epoch < stage_->end_epoch()) summary.stop_reason = StopReason::early_stopping;
    measure_best(summary);
}

// A checkpoint grows with the steps of the epoch under way. Three files, and one more while one is replaced.
void Trainer::probe_space() {
    checkpoint_.learner = stage_->learner().state();
    const auto size =
        std::ssize(serialize_checkpoint(checkpoint_, stage_->learner().network().parameters())) +
        (stage_->steps_per_epoch() - std::ssize(progress_.epoch_steps)) * checkpoint_bytes_per_step();
    std::int64_t missing = size;
    for (const char* file : {kLastCheckpoint, kBestF1Checkpoint, kBestLossCheckpoint})
        if (!std::filesystem::exists(p_.folder.file(file))) missing += size;
    probe_folder(p_.folder.path(), size, missing);
}

void Trainer::finish_epoch(RunSummary& summary) {
    EpochRecord record;
    record.epoch = progress_.epoch;
    record.stage = config().stage.name;
    record.weight = weights_;
    record.train = summarise_steps(progress_.epoch_steps, weights_, present_);
    validate(record);
    progress_.epoch_steps.clear();
    ++progress_.epoch;
    // `last` comes first: should the run be killed behind it, the others are made up for when it goes on.
    std::vector<const char*> files = {kLastCheckpoint};
    for (const char* file : best_files()) files.push_back(file);
    save(files);
    summarise(summary);
    p_.console.epoch(record, stage_->planned_epochs());
    if (progress_.epoch % config().logging.variance_every == 0) p_.console.loss_variance(record);
    p_.observer.observe();
}

// The best checkpoints that hold the state as it is now.
std::vector<const char*> Trainer::best_files() const {
    std::vector<const char*> files;
    if (is_state_after(progress_, progress_.best_f1)) files.push_back(kBestF1Checkpoint);
    if (is_state_after(progress_, progress_.best_loss)) files.push_back(kBestLossCheckpoint);
    return files;
}

void Trainer::summarise(RunSummary& summary) const {
    summary.epochs_done = progress_.epoch;
    if (best().epoch >= 0) summary.best_epoch = best().epoch;
    summary.recordings_per_second =
        training_seconds_ > 0 ? static_cast<double>(trained_recordings_) / training_seconds_ : 0;
}

// Every part of the network must be within reach of the losses, those that the stage leaves out included:
// what they alone reach may learn in another one.
void Trainer::check_gradients() {
    PerComponent<double> weights = stage_->final_weights();
    for (const Component c : kAllComponents)
        if (is_task(c) && present_[c] && weights[c] == 0) weights[c] = 1;
    const auto names = stage_->learner().tensors_without_gradient(stage_->order(progress_.epoch), weights);
    if (names.empty()) return;
    throw RunError(
        fmt::format("{} parameter tensor(s) receive no gradient from any training recording and would "
                    "never learn: {}; check loss.weights and the labels in data_report.json",
                    names.size(), fmt::join(names, ", ")));
}

void Trainer::train_epoch() {
    weights_ = stage_->weights(progress_.epoch);
    order_ = stage_->order(progress_.epoch);
    stage_->learner().begin_epoch(static_cast<std::uint32_t>(progress_.epoch), order_, weights_);
    taken_ = 0;

    const auto rows = static_cast<Index>(order_.size());
    const double minutes = config().training.checkpoint_minutes;
    const auto done_before = static_cast<std::int64_t>(progress_.epoch_steps.size());
    const auto start = Clock::now();
    std::int64_t i = done_before;
    for (; i < stage_->steps_per_epoch() && !interrupted_; ++i) {
        const Index begin = i * step_rows();
        stage_->learner().train_step(progress_.step - stage_->begin().step, begin,
                                     std::min(step_rows(), rows - begin), stage_->learning_rate(progress_));
        ++progress_.step;
        interrupted_ = InterruptGuard::requested();
        const bool save_now = minutes > 0 && seconds_since(last_save_) > 60 * minutes;
        take_steps(save_now || interrupted_ || i + 1 == stage_->steps_per_epoch() ||
                   (i + 1) % config().logging.steps_every == 0);
        show_progress(i + 1);
        if (save_now || interrupted_) save({kLastCheckpoint});
    }
    training_seconds_ += seconds_since(start);
    epoch_recordings_ = std::min(i * step_rows(), rows) - std::min(done_before * step_rows(), rows);
    trained_recordings_ += epoch_recordings_;
}

// Reads what the learner has recorded; a step that went wrong ends the run.
void Trainer::take_steps(bool due) {
    if (!due) return;
    const auto records = stage_->learner().steps();
    for (; taken_ < records.size(); ++taken_) {
        StepRecord record = records[taken_];
        record.step += stage_->begin().step;
        progress_.epoch_steps.push_back(record);
        if (record.step % config().logging.steps_every == 0) log_.step(progress_.epoch, record);
    }
    StepStatus status = stage_->learner().status();
    if (status.bad_step < 0) return;
    status.bad_step += stage_->begin().step;
    stop_at_bad_step(status);
}

void Trainer::stop_at_bad_step(const StepStatus& status) {
    const std::int64_t first_step = stage_->first_step(progress_.epoch);
    const Index begin = (status.bad_step - first_step) * step_rows();
    const Index end = std::min<Index>(begin + step_rows(), static_cast<Index>(order_.size()));
    if (status.bad_step % config().logging.steps_every != 0)
        log_.step(progress_.epoch,
                  progress_.epoch_steps[static_cast<std::size_t>(status.bad_step - first_step)]);
    log_.flush();

    const SplitData& train = dataset().part(Split::train);
    std::vector<std::int64_t> recordings;
    for (Index i = begin; i < end; ++i)
        recordings.push_back(train.source_row[static_cast<std::size_t>(order_[static_cast<std::size_t>(i)])]);
    const auto component = static_cast<std::size_t>(status.bad_component);
    throw RunError(fmt::format(
        "{} is not finite at epoch {}, step {}; nothing was learnt from there on. The step's recordings "
        "(data rows): "
        "{}. If the loss rose in the steps before (steps.csv), lower optimizer.learning_rate (now {}); if "
        "not, look "
        "for values out of all proportion in these rows (ranges in data_report.json)",
        component < kComponents ? fmt::format("loss `{}`", kComponentNames[component]) : "the gradient norm",
        progress_.epoch, status.bad_step, fmt::join(recordings, ", "), config().optimizer.learning_rate));
}

void Trainer::show_progress(std::int64_t steps_done) {
    Progress progress;
    progress.epoch = progress_.epoch;
    progress.epochs = stage_->planned_epochs();
    progress.steps_done = steps_done;
    progress.steps = stage_->steps_per_epoch();
    if (!progress_.epoch_steps.empty()) progress.last = progress_.epoch_steps.back();
    progress.weights = weights_;
    progress.present = present_;
    const double seconds = seconds_since(epoch_start_);
    const auto here = static_cast<double>(taken_);
    progress.recordings_per_second = here * static_cast<double>(step_rows()) / seconds;
    progress.seconds_left =
        here > 0 ? seconds / here * static_cast<double>(stage_->steps_per_epoch() - steps_done) : 0;
    p_.console.progress(progress);
}

void Trainer::validate(EpochRecord& record) {
    const double training_seconds = seconds_since(epoch_start_);
    const Evaluation evaluation = stage_->learner().evaluate(dataset().part(Split::val).view());
    const SplitView split = split_of(dataset(), Split::val);
    checkpoint_.evaluation.temperature = fit_temperatures(split, evaluation);
    record.val = metrics_of(split, evaluation, checkpoint_.evaluation);
    if (progress_.epoch == 0) declare_absent(*record.val);

    const ConfusionMatrix confusion(static_cast<Index>(dataset().classes.size()), evaluation.confusion);
    log_.classification(progress_.epoch, "val", confusion);
    note_best(*record.val, evaluation);
    observe_stopping(*record.val);
    observe_plateau(progress_.plateau, config().schedule, record.val->loss_total.value.value());
    record.recordings_per_second = static_cast<double>(epoch_recordings_) / training_seconds;
    record.seconds = seconds_since(epoch_start_);
    log_.epoch(record);
    if (has_classifier() && (progress_.epoch + 1) % config().logging.report_every == 0)
        p_.console.classification(classification_report(confusion), record.val->f1_macro_majority,
                                  dataset().classes, fmt::format("Validation, epoch {}", progress_.epoch));
}

void Trainer::note_best(const SplitMetrics& metrics, const Evaluation& evaluation) {
    const double loss = metrics.loss_total.value.value();
    const bool better_loss = improves(progress_.best_loss, -loss);
    if (better_loss) progress_.best_loss = {progress_.epoch, -loss};
    const bool better_f1 = has_classifier() && improves(progress_.best_f1, metrics.f1_macro.value.value());
    if (better_f1) progress_.best_f1 = {progress_.epoch, metrics.f1_macro.value.value()};
    if (by_f1() ? better_f1 : better_loss)
        write_predictions_of(Split::val, evaluation, checkpoint_.evaluation.temperature);
}

void Trainer::observe_stopping(const SplitMetrics& metrics) {
    const auto& stopping = config().training.early_stopping;
    if (stopping.patience == 0) return;
    if (!stage_->is_final(progress_.epoch)) return;
    const bool of_f1 = stopping.metric == StoppingMetric::f1_macro && by_f1();
    const double value = of_f1 ? metrics.f1_macro.value.value() : -metrics.loss_total.value.value();
    if (improves(progress_.stopping, value, stopping.min_delta))
        progress_.stopping = {progress_.epoch, value};
}

void Trainer::measure_best(RunSummary& summary) {
    if (best().epoch < 0) return;
    const Checkpoint checkpoint = load_checkpoint_of_run(p_.folder.file(best_file()), p_.session);
    const EvaluationSettings& settings = checkpoint.evaluation;
    stage_->learner().restore(checkpoint.learner);
    std::vector<LevelRow> levels;
    std::vector<ReliabilityRow> reliability;
    const auto measure = [&](Split part) {
        const SplitView split = split_of(dataset(), part);
        const std::string name(kSplitNames[static_cast<std::size_t>(part)]);
        const Evaluation evaluation = stage_->learner().evaluate(split.data.view(), true);
        // What is there may be of an epoch that a killed run did not save and that was trained otherwise then,
        // as with another training.epochs.
        write_predictions_of(part, evaluation, settings.temperature);
        std::ranges::move(metrics_by_level(split, evaluation, settings, name), std::back_inserter(levels));
        std::ranges::move(reliability_rows(split, evaluation, settings.temperature, name),
                          std::back_inserter(reliability));
        if (part == Split::test)
            log_.classification(best().epoch, name,
                                {static_cast<Index>(dataset().classes.size()), evaluation.confusion});
        return metrics_of(split, evaluation, settings);
    };
    summary.val = measure(Split::val);
    if (dataset().part(Split::test).rows > 0) summary.test = measure(Split::test);
    log_.flush();
    write_by_level(p_.folder.file("by_level.csv"), dataset().classes, levels);
    write_reliability(p_.folder.file("reliability.csv"), reliability);
}

void Trainer::write_predictions_of(Split split, const Evaluation& evaluation,
                                   const Temperatures& temperature) const {
    write_predictions(
        p_.folder.file(fmt::format("predictions_{}.csv", kSplitNames[static_cast<std::size_t>(split)])),
        dataset().classes, prediction_rows(split_of(dataset(), split), evaluation, temperature));
}

// The tables are on the disk before the checkpoint that counts on them.
void Trainer::save(const std::vector<const char*>& files) {
    if (files.empty()) return;
    log_.flush();
    checkpoint_.learner = stage_->learner().state();
    write_checkpoint(checkpoint_, stage_->learner().network().parameters(), p_.folder, files);
    last_save_ = Clock::now();
}

void Trainer::declare_absent(const SplitMetrics& metrics) {
    const auto absent = absent_metrics(metrics, dataset().classes, "val_");
    p_.report.absent_metrics.insert(absent.begin(), absent.end());
    write_json(p_.folder.file("data_report.json"), to_json(p_.report));
}

}  // namespace abr
