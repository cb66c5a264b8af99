#include <doctest/doctest.h>

#include <algorithm>

#include "engine/records/run_log.hpp"
#include "engine/records/run_summary.hpp"
#include "engine/records/tables.hpp"
#include "tests/engine/output_files.hpp"

namespace abr {
namespace {

using namespace test;

const std::vector<std::string> kClasses = {"NORMAL", "NÖROPATİ"};

TEST_CASE("a class name that makes two columns of one name is refused with the remedy") {
    const auto message =
        message_of<InputError>([] { csv_header(epoch_columns(std::vector<std::string>{"macro"})); });
    CHECK(contains(message, "'val_f1_macro'"));
    CHECK(contains(message, "data.classes"));
}

StepRecord step(std::int64_t number, double loss) {
    StepRecord record{
        .step = number, .learning_rate = 0.001, .grad_norm = 2 * loss, .loss_total = loss, .loss = {}};
    record.loss.values.fill(loss);
    return record;
}

SplitMetrics full_metrics() {
    SplitMetrics m;
    m.f1_class.resize(kClasses.size());
    std::vector<Metric*> all = {&m.loss_total,
                                &m.f1_macro,
                                &m.f1_weighted,
                                &m.f1_micro,
                                &m.accuracy,
                                &m.balanced_accuracy,
                                &m.f1_macro_majority,
                                &m.patient_f1_macro,
                                &m.ear_f1_macro,
                                &m.binary[Component::peak_exist].f1,
                                &m.binary[Component::peak_exist].auc,
                                &m.binary[Component::peak_exist].sensitivity,
                                &m.scalar[Component::peak_latency].mae,
                                &m.scalar[Component::peak_latency].r2,
                                &m.scalar[Component::peak_amplitude].mae,
                                &m.scalar[Component::peak_amplitude].r2,
                                &m.signal_mse,
                                &m.signal_correlation,
                                &m.signal_correlation_median,
                                &m.signal_snr_gain_db,
                                &m.signal_snr_gain_db_median,
                                &m.scalar[Component::threshold].mae,
                                &m.scalar[Component::threshold].r2};
    for (const Component c : kAllComponents)
        if (is_task(c)) all.push_back(&m.loss[c]);
    for (const Component c : {Component::classification, Component::peak_exist})
        all.insert(all.end(), {&m.calibration[c].ece, &m.calibration[c].ece_uncalibrated});
    for (const Component c : {Component::peak_latency, Component::threshold})
        for (Metric& within : m.scalar[c].within) all.push_back(&within);
    for (Metric& f1 : m.f1_class) all.push_back(&f1);
    for (std::size_t i = 0; i < all.size(); ++i) *all[i] = Metric::of(static_cast<double>(i + 1));
    return m;
}

EpochRecord epoch_record(std::int64_t epoch) {
    const std::vector<StepRecord> steps = {step(0, 1), step(1, 3)};
    EpochRecord record;
    record.epoch = epoch;
    record.weight.values.fill(0.5);
    record.train = summarise_steps(steps, record.weight, per_component(is_task));
    record.val = full_metrics();
    return record;
}

TEST_CASE("the columns of epochs.csv stand in the contract's order") {
    std::string line;
    for (const std::string& column : epoch_columns(kClasses, {.ears = true})) line += column + ",";
    std::string expected = "epoch,learning_rate,seconds,recordings_per_second,";
    const std::vector<std::string> components = {"signal",         "peak_exist",     "peak_latency",
                                                 "peak_amplitude", "classification", "threshold"};
    for (const auto& c : components) expected += "weight_" + c + ",";
    expected += "train_loss_total,";
    for (const auto& c : components) {
        for (const char* suffix : {"", "_std", "_min", "_max"}) expected += "train_loss_" + c + suffix + ",";
        expected += "train_share_" + c + ",";
    }
    expected += "grad_norm_mean,grad_norm_max,grad_norm_std,val_loss_total,";
    for (const auto& c : components) expected += "val_loss_" + c + ",";
    expected +=
        "val_f1_macro,val_f1_weighted,val_f1_micro,val_accuracy,val_balanced_accuracy,val_f1_NORMAL,val_f1_"
        "NÖROPATİ,"
        "val_f1_macro_majority,val_patient_f1_macro,val_ear_f1_macro,val_classification_ece,"
        "val_classification_ece_uncalibrated,val_peak_exist_f1,val_peak_exist_auc,"
        "val_peak_exist_sensitivity_at_specificity_0.975,val_peak_exist_ece,val_peak_exist_ece_uncalibrated,"
        "val_peak_latency_mae_ms,val_peak_latency_r2,val_peak_latency_within_0.1_ms,"
        "val_peak_latency_within_0.2_ms,val_peak_latency_within_0.5_ms,val_peak_amplitude_mae_uv,"
        "val_peak_amplitude_r2,val_signal_mse,val_signal_correlation,val_signal_correlation_median,"
        "val_signal_snr_gain_db,val_signal_snr_gain_db_median,val_threshold_mae_db,val_threshold_r2,"
        "val_threshold_within_5_db,val_threshold_within_10_db,val_threshold_within_15_db,";
    CHECK(line == expected);
    // Where no recording says its ear, there is no column of it.
    const auto columns = epoch_columns(kClasses);
    CHECK(std::ranges::find(columns, "val_ear_f1_macro") == columns.end());
    CHECK(epoch_columns(kClasses, {.ears = true}).size() == columns.size() + 1);
    CHECK(epoch_columns(kClasses, {.stages = true}).back() == "stage");
}

TEST_CASE("training columns: means over steps, total = sum of weight x mean, shares add to one") {
    const std::vector<StepRecord> steps = {step(0, 1), step(1, 3)};
    PerComponent<double> weights{{1, 0, 2, 1, 3, 0}};
    PerComponent<bool> present = per_component(is_task);
    present[Component::threshold] = false;
    const TrainSummary summary = summarise_steps(steps, weights, present);
    CHECK(summary.loss_total == doctest::Approx(14));
    CHECK(summary.learning_rate == 0.001);
    CHECK(summary.grad_norm.max == 6);
    CHECK(summary.loss[Component::signal]->loss.mean == 2);
    CHECK(summary.loss[Component::signal]->loss.std == 1);
    CHECK(summary.loss[Component::signal]->loss.min == 1);
    CHECK(summary.loss[Component::signal]->loss.max == 3);
    CHECK_FALSE(summary.loss[Component::threshold].has_value());
    CHECK(*summary.loss[Component::peak_exist]->share == 0);
    double shares = 0;
    for (const auto& loss : summary.loss.values) shares += loss ? loss->share.value() : 0;
    CHECK(shares == doctest::Approx(1));
    CHECK_THROWS_AS(summarise_steps({}, weights, present), std::invalid_argument);

    // Nothing is on: a share of nothing is not measured.
    CHECK_FALSE(summarise_steps(steps, {}, present).loss[Component::signal]->share.has_value());
}

TEST_CASE("pitfall 1: an epoch whose metric was forgotten cannot be written") {
    EpochRecord record = epoch_record(0);
    CHECK_NOTHROW(epoch_row(record, kClasses));
    record.val->f1_macro = Metric::absent("no class");
    CHECK_NOTHROW(epoch_row(record, kClasses));
    CHECK(absent_metrics(*record.val, kClasses, "val_") ==
          std::map<std::string, std::string>{{"val_f1_macro", "no class"}});
    record.val->f1_macro = {};
    CHECK(contains(message_of<std::logic_error>([&] { epoch_row(record, kClasses); }), "f1_macro"));
}

TEST_CASE("an epoch that ended before validation has empty cells for it, and as many as the header") {
    EpochRecord record = epoch_record(7);
    record.val.reset();
    const CsvRow row = epoch_row(record, kClasses);
    CHECK(row.cells() == epoch_columns(kClasses).size());
    CHECK(row.line().starts_with("7,0.001,"));
    CHECK(row.line().ends_with(std::string(40, ',')));
}

TEST_CASE("pitfall 3: a dropped component has empty cells in steps.csv and epochs.csv, never 0") {
    const TemporaryFolder folder;
    const RunFolder run = RunFolder::create(folder.path, "run");
    PerComponent<bool> present = per_component(is_task);
    present[Component::threshold] = false;
    RunLog log(run, kClasses, {present});
    log.step(0, step(0, 0.5));
    CHECK(content(run.file("steps.csv")) ==
          "epoch,step,learning_rate,grad_norm,loss_total,loss_signal,loss_peak_exist,loss_peak_latency,"
          "loss_peak_amplitude,loss_classification,loss_threshold\n"
          "0,0,0.001,1,0.5,0.5,0.5,0.5,0.5,0.5,\n");
    EpochRecord record = epoch_record(0);
    const std::vector<StepRecord> steps = {step(0, 1)};
    record.train = summarise_steps(steps, record.weight, present);
    const std::string row = epoch_row(record, kClasses).line();
    CHECK(contains(row, ",,,,,"));  // train_loss_threshold … train_share_threshold
}

TEST_CASE("a run that goes on cuts its CSV files to the checkpoint") {
    const TemporaryFolder folder;
    const RunFolder run = RunFolder::create(folder.path, "run");
    const ConfusionMatrix confusion(2, std::vector<std::int64_t>{3, 1, 0, 0});
    const auto run_epochs = [&](RunLog& log, std::int64_t first, std::int64_t end) {
        for (std::int64_t e = first; e < end; ++e) {
            for (std::int64_t s = 0; s < 2; ++s) log.step(e, step(2 * e + s, 1));
            log.epoch(epoch_record(e));
            log.classification(e, "val", confusion);
        }
        log.flush();
    };
    const std::vector<std::string> files = {"steps.csv", "epochs.csv", "classification_report.csv",
                                            "confusion_matrix.csv"};
    std::vector<std::string> uninterrupted;
    {
        RunLog log(run, kClasses, {per_component(is_task), true});
        run_epochs(log, 0, 4);
        for (const auto& file : files) uninterrupted.push_back(content(run.file(file)));
        log.classification(1, "test", confusion);
    }
    {
        RunLog log(run, kClasses, {per_component(is_task), true}, {.epochs = 2, .steps = 5});
        CHECK(contains(content(run.file("steps.csv")), "\n2,4,"));
        CHECK_FALSE(contains(content(run.file("steps.csv")), "\n2,5,"));
        log.step(2, step(5, 1));
        log.epoch(epoch_record(2));
        log.classification(2, "val", confusion);
        run_epochs(log, 3, 4);
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
        CAPTURE(files[i]);
        CHECK(content(run.file(files[i])) == uninterrupted[i]);
    }
    CHECK(contains(uninterrupted[2],
                   "epoch,split,class,precision,recall,f1,support,predicted\n0,val,NORMAL,1,0.75,"));
    CHECK(
        contains(uninterrupted[3], "epoch,split,true_class,predicted_class,count\n0,val,NORMAL,NORMAL,3\n"));
    // Begun anew where nothing of it is kept.
    RunLog(run, kClasses, {per_component(is_task), true});
    CHECK(content(run.file("confusion_matrix.csv")) == "epoch,split,true_class,predicted_class,count\n");
}

TEST_CASE("split.csv and predictions: what is not labelled or not built is an empty cell") {
    const TemporaryFolder folder;
    const std::vector<SplitRow> patients = {{"P,1", "NORMAL", 3, "train"}, {"P2", "", 1, "val"}};
    write_split(folder.path / "split.csv", patients);
    CHECK(content(folder.path / "split.csv") ==
          "patient_id,class,recordings,split\n\"P,1\",NORMAL,3,train\nP2,,1,val\n");

    PredictionRow full;
    full.recording = 12;
    full.patient_id = "P2";
    full.answer[Component::classification].true_label = 0;
    full.answer[Component::classification].predicted_label = 1;
    full.probabilities = {0.25f, 0.75f};
    full.answer[Component::peak_exist] = {.true_label = 1, .predicted = 0.9f};
    full.answer[Component::peak_latency] = {.true_value = 5.6f, .predicted = 5.7f};
    full.answer[Component::peak_amplitude] = {.true_value = 0.3f, .predicted = 0.2f};
    full.answer[Component::threshold] = {.true_value = 20.0f, .predicted = 25.5f};
    full.missing_inputs = {"age_years", "fmp"};
    PredictionRow bare;
    bare.recording = 13;
    bare.patient_id = "P3";
    const std::vector<PredictionRow> rows = {full, bare};
    write_predictions(folder.path / "predictions_val.csv", kClasses, rows);
    CHECK(content(folder.path / "predictions_val.csv") ==
          "recording,patient_id,class_true,class_predicted,p_NORMAL,p_NÖROPATİ,wave_v_true,p_wave_v,latency_"
          "true_ms,"
          "latency_predicted_ms,amplitude_true_uv,amplitude_predicted_uv,threshold_true_db,threshold_"
          "predicted_db,missing_inputs\n"
          "12,P2,NORMAL,NÖROPATİ,0.25,0.75,1,0.9,5.6,5.7,0.3,0.2,20,25.5,age_years fmp\n"
          "13,P3,,,,,,,,,,,,,\n");
    full.answer[Component::classification].predicted_label = 2;
    CHECK_THROWS_AS(write_predictions(folder.path / "p.csv", kClasses, std::span(&full, 1)),
                    std::invalid_argument);
}

TEST_CASE("by_level.csv: no losses, empty for all levels and all classes, and what could not be measured") {
    const TemporaryFolder folder;
    LevelRow all{"val", {}, {}, 7, full_metrics()}, one{"val", 42.5f, 1, 3, full_metrics()};
    one.metrics.scalar[Component::threshold].within[2] = Metric::absent("no threshold");
    write_by_level(folder.path / "by_level.csv", kClasses, std::vector{all, one});
    std::istringstream lines(content(folder.path / "by_level.csv"));
    std::string header, first, second;
    std::getline(lines, header);
    std::getline(lines, first);
    std::getline(lines, second);
    CHECK(header.starts_with("split,intensity_db,class,recordings,f1_macro,f1_weighted,"));
    CHECK(header.ends_with(
        ",threshold_r2,threshold_within_5_db,threshold_within_10_db,threshold_within_15_db"));
    CHECK_FALSE(contains(header, "loss_"));
    CHECK(first.starts_with("val,,,7,2,3,"));
    CHECK(second.starts_with("val,42.5,NÖROPATİ,3,2,3,"));
    CHECK_FALSE(first.ends_with(","));
    CHECK(second.ends_with(","));
}

TEST_CASE("reliability.csv: a row for each bin, with empty cells where it has no recordings") {
    const TemporaryFolder folder;
    const std::vector<ReliabilityRow> rows = {{"val", Component::peak_exist, 1, {0.5, 0.75, 4, 0.625, 0.25}},
                                              {"test", Component::classification, 1.5, {0, 0.25, 0, 0, 0}}};
    write_reliability(folder.path / "reliability.csv", rows);
    CHECK(content(folder.path / "reliability.csv") ==
          "split,task,temperature,above,up_to,recordings,mean_probability,share_true\n"
          "val,peak_exist,1,0.5,0.75,4,0.625,0.25\ntest,classification,1.5,0,0.25,0,,\n");
}

TEST_CASE("restored signals stand beside their recording, and one that lacks a sample is refused") {
    const TemporaryFolder folder;
    std::vector<PredictionRow> rows(2);
    rows[0].recording = 12;
    rows[0].patient_id = "P2";
    rows[1].recording = 13;
    rows[1].patient_id = "P3";
    const std::vector<float> restored = {1, 2, 3, 4, 5, 6.5f};
    write_samples(folder.path / "restored.csv", rows, restored);
    CHECK(content(folder.path / "restored.csv") ==
          "recording,patient_id,s0,s1,s2\n12,P2,1,2,3\n13,P3,4,5,6.5\n");
    CHECK_THROWS_AS(write_samples(folder.path / "restored.csv", rows, std::span(restored).first(5)),
                    std::invalid_argument);
}

TEST_CASE("the classification report and the confusion matrix hold every class in its own columns") {
    const TemporaryFolder parent;
    const RunFolder folder = RunFolder::create(parent.path, "run");
    RunLog log(folder, kClasses, {}, {});
    // Of five recordings of the first class three are found; of one of the second none.
    log.classification(7, "val", ConfusionMatrix(2, std::vector<std::int64_t>{3, 2, 1, 0}));
    log.flush();
    CHECK(content(folder.file("classification_report.csv")) ==
          "epoch,split,class,precision,recall,f1,support,predicted\n7,val,NORMAL,0.75,0.6," +
              shortest_number(2 * 3.0 / 9) + ",5,4\n7,val,NÖROPATİ,0,0,0,1,2\n");
    CHECK(content(folder.file("confusion_matrix.csv")) ==
          "epoch,split,true_class,predicted_class,count\n7,val,NORMAL,NORMAL,3\n7,val,NORMAL,NÖROPATİ,2\n"
          "7,val,NÖROPATİ,NORMAL,1\n7,val,NÖROPATİ,NÖROPATİ,0\n");
}

TEST_CASE("summary.json names the metrics as epochs.csv without val_, absent ones are null") {
    const TemporaryFolder folder;
    RunSummary summary;
    summary.best_epoch = 3;
    summary.epochs_done = 5;
    summary.val = full_metrics();
    summary.val->scalar[Component::threshold].r2 = Metric::absent("no threshold");
    summary.baselines = {{"latency_mae_ms", 0.4}};
    summary.stop_reason = StopReason::early_stopping;
    write_summary(folder.path / "summary.json", summary, kClasses);
    const Json back = Json::parse(content(folder.path / "summary.json"));
    CHECK(back["best_epoch"] == 3);
    CHECK(back["stop_reason"] == "early_stopping");
    CHECK(back["baselines"]["latency_mae_ms"] == 0.4);
    CHECK(back["test"].is_null());
    CHECK(back["val"]["threshold_r2"].is_null());
    std::size_t metrics = 0;
    for (const std::string& column : epoch_columns(kClasses, {.ears = true})) {
        if (!column.starts_with("val_")) continue;
        CAPTURE(column);
        CHECK(back["val"].contains(column.substr(4)));
        ++metrics;
    }
    CHECK(back["val"].size() == metrics);

    CHECK(recorded_end(folder.path / "summary.json", 5) == StopReason::early_stopping);
    CHECK_FALSE(recorded_end(folder.path / "summary.json", 4));
    CHECK_FALSE(recorded_end(folder.path / "missing.json", 5));
    for (const char* broken :
         {"", "{", "[]", "5", "{\"epochs_done\": 5}",
          "{\"epochs_done\": \"5\", \"stop_reason\": \"finished\"}",
          "{\"epochs_done\": 5, \"stop_reason\": \"done\"}", "{\"epochs_done\": 5, \"stop_reason\": [1]}"}) {
        put(folder.path / "summary.json", broken);
        CHECK_FALSE(recorded_end(folder.path / "summary.json", 5));
    }
}

TEST_CASE("environment.json says what ran") {
    const TemporaryFolder folder;
    const Environment environment{
        .engine_version = "1.2.3",
        .backend = "cpu",
        .device = processor_name(),
        .threads = 2,
        .compiler = compiler_name(),
        .libraries = library_versions(),
        .start_time = utc_time(std::chrono::system_clock::from_time_t(1'000'000'000)),
        .git_revision = ""};
    write_environment(folder.path / "environment.json", environment);
    const Json back = Json::parse(content(folder.path / "environment.json"));
    CHECK(back["start_time"] == "2001-09-09T01:46:40Z");
    CHECK(back["libraries"].contains("Eigen"));
    CHECK(back["git_revision"].is_null());
    CHECK(back["threads"] == 2);
}

}  // namespace
}  // namespace abr
