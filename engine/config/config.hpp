// The resolved configuration of a run, or of one stage of it: one plain struct per section of the
// configuration file. Defaults stand here and nowhere else; engine/keys/ ties every member to its key, range
// and meaning. How it is read from a file: engine/keys/load.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/batch/settings.hpp"
#include "kernels/components.hpp"
#include "kernels/loss.hpp"
#include "model/network_settings.hpp"

namespace abr {

enum class Backend { automatic, cpu, cuda };

struct RunConfig {
    std::string name;  // of the run folder; never empty after loading
    std::uint64_t seed = 42;
    Backend backend = Backend::automatic;
    int threads = 0;  // 0 = one for each core this process may use
};

enum class DataSource { synthetic, csv, npz };
enum class OnBadRow { error, skip };
enum class VoltageUnit { v, mv, uv, nv };
enum class TimeUnit { s, ms, us };
enum class AlikePatients { together, apart };
enum class CohortPreset { a, b };

// Names of a signal's columns: prefix followed by first, first + 1, …
struct SampleColumns {
    std::string prefix;
    int first = 0;
    int count = 0;  // 0 = as many as the header has
    bool operator==(const SampleColumns&) const = default;
};

// Names by what they stand for.
using NamedLists = std::map<std::string, std::vector<std::string>>;

// The file's own name of each column of the data contract. A name that differs from ours was asked for by the
// user, so its absence is an error even where the column is optional; an empty one says that such a column is
// not read.
struct ColumnNames {
    std::string patient_id = "patient_id";
    std::string ear = "ear";
    std::string age_years = "age_years";
    std::string intensity_db = "intensity_db";
    std::string rate_hz = "rate_hz";
    std::string fmp = "fmp";
    PerComponent<std::string> label = [] {  // of the tasks that have a column of their own
        PerComponent<std::string> names;
        for (const Component c : kAllComponents)
            if (has_label_column(c)) names[c] = task_of(c).label_column;
        return names;
    }();
    std::string sample_interval_ms = "sample_interval_ms";
    SampleColumns signal{"s", 0, 0};
    SampleColumns clean{"c", 0, 0};
};

enum class FilterOperation { equals, not_equal, less_than, greater_than, at_least, at_most, one_of };
using FilterValue = std::variant<double, std::string>;

// A row is kept if it passes every filter.
struct RowFilter {
    std::string column;  // the file's own name
    FilterOperation operation = FilterOperation::equals;
    std::vector<FilterValue> values;  // one, or one_of's at least one; numbers for the four orderings
    std::string written_at;           // "file:line:column" or the --set argument
};

struct SyntheticConfig {
    CohortPreset preset = CohortPreset::b;
    int patients = 2038;
    std::uint64_t seed = 42;  // run.seed unless written
};

struct DataConfig {
    DataSource source = DataSource::synthetic;
    std::filesystem::path path;                // absolute; empty exactly with a synthetic source
    std::optional<double> sample_interval_ms;  // ms; none: the column must exist
    std::vector<std::string> classes = {"NORMAL", "NEUROPATHY", "SNHL", "TOTAL", "CONDUCTIVE"};
    OnBadRow on_bad_row = OnBadRow::error;
    double max_bad_fraction = 0.05;
    double train = 0.70, validation = 0.15, test = 0.15;  // shares of the patients, sum 1
    std::uint64_t split_seed = 42;                        // run.seed unless written
    std::filesystem::path split_file;                     // absolute; empty = split by seed
    AlikePatients alike_patients = AlikePatients::together;
    int header_line = 0;               // of a CSV file, 1-based; 0 = the first that names what is required
    int skip_rows = 0;                 // below the header of a CSV file
    std::vector<std::string> missing;  // cells that stand for nothing, besides empty ones, NA and NaN
    NamedLists missing_in;             // the file's column -> such cells of it
    VoltageUnit signal_unit = VoltageUnit::uv, amplitude_unit = VoltageUnit::uv;
    TimeUnit latency_unit = TimeUnit::ms;
    double first_sample_ms = 0;  // from the stimulus to the first sample
    std::optional<std::array<double, 2>>
        window_ms;  // from and to, after the stimulus: what is kept of a recording
    ColumnNames columns;
    NamedLists class_aliases;  // class -> the file's names of it
    NamedLists ear_aliases;    // left, right -> the file's names of it
    std::vector<RowFilter> filters;
    SyntheticConfig synthetic;
};

enum class ClassWeighting { none, balanced, given };

struct LossConfig {
    ClassWeighting class_weighting = ClassWeighting::none;
    std::vector<double> class_weights;  // one per class exactly if given
    double class_weight_power = 1.0;    // of the balanced weights
    double label_smoothing = 0;
    double focal_gamma = 0;              // 0 = cross-entropy
    PerComponent<double> weights = [] {  // final
        PerComponent<double> defaults;
        for (const Component c : kAllComponents) defaults[c] = task_of(c).default_weight;
        return defaults;
    }();
    // "file:line:column" or the --set argument; empty where the weight is the default.
    PerComponent<std::string> weight_written_at;
    PerComponent<DistanceLoss> distance = kDefaultDistances;  // of signal and scalar tasks
    double positive_weight = 1.0;                             // of the existence loss
    double location_sd_ms = 0.05;                             // LossSettings::location_sd_ms
};

enum class RampShape { linear, cosine };

// r(e) = from + (to - from) * s(min(1, (e - start + 1) / epochs)), a factor on one component's weight.
struct ComponentRamp {
    double from = 0;
    double to = 1;
    int epochs = 1;
    RampShape shape = RampShape::linear;
};

struct CurriculumConfig {
    bool enabled = true;
    int class_start = 0;                               // epoch, from 0
    int peak_start = 0;                                // epoch
    int threshold_start = 0;                           // epoch
    int ramp_epochs = 0;                               // 0 = no ramp
    PerComponent<std::optional<int>> starts;           // of one component, instead of its start above
    PerComponent<std::optional<ComponentRamp>> ramps;  // likewise, instead of its start and ramp above
};

enum class Sampler { shuffle, balanced };
enum class StoppingMetric { f1_macro, loss };

struct EarlyStoppingConfig {
    StoppingMetric metric = StoppingMetric::f1_macro;
    int patience = 0;  // epochs, 0 = off
    double min_delta = 0;
};

struct TrainingConfig {
    int epochs = 30;
    int batch_size = 64;             // recordings of a micro-batch
    double checkpoint_minutes = 10;  // 0 = after epochs only
    int accumulation = 1;            // micro-batches of a step
    double gradient_clip = 1.0;      // 0 = off
    double ema_decay = 0;            // 0 = off
    Sampler sampler = Sampler::shuffle;
    int max_repeats = 10;  // of a recording an epoch, balanced sampler
    EarlyStoppingConfig early_stopping;
};

struct OptimizerConfig {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.01;
    double encoder_lr = 1.0, decoder_lr = 1.0, heads_lr = 1.0;  // multipliers
};

enum class ScheduleType { cosine, constant, warm_restarts, step, plateau };

struct ScheduleConfig {
    ScheduleType type = ScheduleType::cosine;
    int warmup_epochs = 0;
    double min_lr = 1e-6;
    int t0 = 10;  // epochs of the first period of warm_restarts
    int t_mult = 2;
    int step_epochs = 10;
    double factor = 0.5;  // step and plateau
    int patience = 5;     // plateau, epochs
};

struct LoggingConfig {
    int steps_every = 1;      // optimiser steps
    int report_every = 5;     // epochs
    int variance_every = 10;  // epochs
    bool tensorboard = true;  // event files
};

// The rules' own numbers have their defaults where the rules stand, engine/rules/*_rules.cpp.
struct DiagnosticsConfig {
    bool enabled = true;                     // judge the run after every epoch
    std::map<std::string, double> settings;  // key -> value, of those that are written
};

// What is said of a stage beside the keys in which it differs from the rest of the configuration. A part of
// the network is a group of parameters or the beginning of their names (model/parameters.hpp).
struct StageConfig {
    std::string name;                 // empty: the run's only stage, of which nothing is written
    std::filesystem::path init_from;  // absolute, or kPreviousStage; empty = the initial weights
    std::vector<std::string> fresh;   // parts that init_from does not set
    std::vector<std::string> freeze;  // parts that keep their bits
    std::string written_at;           // "file:line:column"
};
inline constexpr const char* kPreviousStage = "previous";

struct Config {
    RunConfig run;
    DataConfig data;
    NetworkSettings model;
    LossConfig loss;
    CurriculumConfig curriculum;
    TrainingConfig training;
    OptimizerConfig optimizer;
    ScheduleConfig schedule;
    DegradationSettings degradation{.noise_sd = 0.3f, .probability = 1};
    AugmentationSettings augmentation{.probability = 1,
                                      .shift_samples = 3,
                                      .scale_low = 0.95f,
                                      .scale_high = 1.05f,
                                      .static_dropout = 0.2f};
    LoggingConfig logging;
    DiagnosticsConfig diagnostics;
    StageConfig stage;  // which stage this is the configuration of
    std::vector<Config>
        stages;  // each complete and without stages of its own; none: the run has one stage, this one
};

// The configuration of each stage of a run, in their order.
inline std::span<const Config> stages_of(const Config& config) {
    return config.stages.empty() ? std::span(&config, 1) : std::span(config.stages);
}

}  // namespace abr
