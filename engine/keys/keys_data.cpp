// Keys of [run] and [data].
#include <fmt/format.h>

#include "engine/keys/key_members.hpp"
#include "engine/synthetic/cohort.hpp"

namespace abr {
namespace {

constexpr std::string_view kColumnText = "any name; of an optional column also `\"\"`: it is not read";

bool reads_file(const Config& c) {
    return c.data.source != DataSource::synthetic;
}

// An NPZ file holds samples as one array.
bool reads_csv(const Config& c) {
    return c.data.source == DataSource::csv;
}

template <Component component>
auto& label_column(Config& c) {
    return c.data.columns.label[component];
}

// What a file says of its own contents; the synthetic cohort needs none of it.
Key of_file(Key key) {
    key.present = reads_file;
    return key;
}

// The keys of data.columns are without effect on the synthetic cohort, which has no columns.
Key column(std::string_view name, Field field, std::string meaning) {
    return {.path = "data.columns." + std::string(name),
            .field = std::move(field),
            .allowed = kColumnText,
            .meaning = std::move(meaning),
            .present = reads_file};
}

}  // namespace

void add_run_keys(std::vector<Key>& keys) {
    keys.insert(keys.end(),
                {{.path = "run.name",
                  .field = at<&Config::run, &RunConfig::name>,
                  .allowed = "a folder name",
                  .default_text = "the file's stem",
                  .meaning = "name of the run folder; `--experiment-name` overrides it"},
                 {.path = "run.seed",
                  .field = at<&Config::run, &RunConfig::seed>,
                  .meaning = "seed of every random number of the run"},
                 {.path = "run.backend",
                  .field = choice<at<&Config::run, &RunConfig::backend>>({"auto", "cpu", "cuda"}),
                  .meaning = "what computes; `auto` takes CUDA where there is a device for it, else the CPU"},
                 {.path = "run.threads",
                  .field = at<&Config::run, &RunConfig::threads>,
                  .range = {0, 1024},
                  .meaning = "CPU threads, 0 = one for each core; results do not depend on it"}});
}

void add_data_keys(std::vector<Key>& keys) {
    keys.insert(
        keys.end(),
        {{.path = "data.source",
          .field = choice<at<&Config::data, &DataConfig::source>>({"synthetic", "csv", "npz"}),
          .meaning = "the generated cohort, a CSV file, or a file of NumPy arrays"},
         {.path = "data.path",
          .field = at<&Config::data, &DataConfig::path>,
          .allowed = "with csv or npz only",
          .meaning = "the file of recordings"},
         {.path = "data.sample_interval_ms",
          .field = at<&Config::data, &DataConfig::sample_interval_ms>,
          .range = {1e-3, 100},
          .unit = "ms",
          .allowed = "with csv or npz only",
          .meaning = "time between two samples; needed unless the file has the column `sample_interval_ms`"},
         {.path = "data.classes",
          .field = at<&Config::data, &DataConfig::classes>,
          .allowed = "2 … 100 different names; the five defaults with synthetic",
          .meaning = "names of the classes in the order of their index"},
         {.path = "data.on_bad_row",
          .field = choice<at<&Config::data, &DataConfig::on_bad_row>>({"error", "skip"}),
          .meaning = "stop at the first bad row, or count and skip it"},
         {.path = "data.max_bad_fraction",
          .field = at<&Config::data, &DataConfig::max_bad_fraction>,
          .range = kFraction,
          .unit = "of the rows",
          .meaning = "more bad rows than this are an error also with `skip`"},
         {.path = "data.train",
          .field = at<&Config::data, &DataConfig::train>,
          .range = kBetweenZeroAndOne,
          .unit = "of the patients",
          .meaning = "share of the training split"},
         {.path = "data.val",
          .field = at<&Config::data, &DataConfig::validation>,
          .range = kBetweenZeroAndOne,
          .unit = "of the patients",
          .meaning = "share of the validation split"},
         {.path = "data.test",
          .field = at<&Config::data, &DataConfig::test>,
          .range = kBetweenZeroAndOne,
          .unit = "of the patients",
          .meaning = "share of the test split; the three shares make 1"},
         {.path = "data.split_seed",
          .field = at<&Config::data, &DataConfig::split_seed>,
          .default_text = "`run.seed`",
          .meaning = "seed of the split by patients"},
         {.path = "data.split_file",
          .field = at<&Config::data, &DataConfig::split_file>,
          .meaning = "a `split.csv` of an earlier run, to be reused instead of a new split"},
         of_file(
             {.path = "data.alike_patients",
              .field = choice<at<&Config::data, &DataConfig::alike_patients>>({"together", "apart"}),
              .meaning =
                  "identifiers that differ only in case, spaces, invisible characters, leading zeros or a "
                  "final `.0` stay in one split, or are taken as different patients"}),
         {.path = "data.header_line",
          .field = at<&Config::data, &DataConfig::header_line>,
          .range = {0, 1000},
          .allowed = "with csv only",
          .meaning = "line of the file that names the columns; 0 = the first of 100 that has the names of "
                     "patient and "
                     "level",
          .present = reads_csv},
         {.path = "data.skip_rows",
          .field = at<&Config::data, &DataConfig::skip_rows>,
          .range = {0, 1000},
          .unit = "rows",
          .allowed = "with csv only",
          .meaning = "rows below the header that hold no recording; a row of units is recognised without it",
          .present = reads_csv},
         of_file(
             {.path = "data.missing",
              .field = at<&Config::data, &DataConfig::missing>,
              .allowed = "with csv or npz only",
              .meaning =
                  "cells that stand for nothing measured, besides empty ones, `NA` and `NaN`, such as "
                  "`[\"N/A\", \"-\", \"999\"]`; letters of either case, numbers however they are written"}),
         of_file({.path = "data.signal_unit",
                  .field = choice<at<&Config::data, &DataConfig::signal_unit>>({"V", "mV", "uV", "nV"}),
                  .allowed = "with csv or npz only",
                  .meaning = "unit of the file's samples"}),
         of_file({.path = "data.amplitude_unit",
                  .field = choice<at<&Config::data, &DataConfig::amplitude_unit>>({"V", "mV", "uV", "nV"}),
                  .allowed = "with csv or npz only",
                  .meaning = "unit of the file's amplitudes of wave V"}),
         of_file({.path = "data.latency_unit",
                  .field = choice<at<&Config::data, &DataConfig::latency_unit>>({"s", "ms", "us"}),
                  .allowed = "with csv or npz only",
                  .meaning = "unit of the file's latencies of wave V"}),
         of_file({.path = "data.first_sample_ms",
                  .field = at<&Config::data, &DataConfig::first_sample_ms>,
                  .range = {-1000, 1000},
                  .unit = "ms",
                  .allowed = "with csv or npz only",
                  .meaning =
                      "time of the first sample after the stimulus, below 0 for recordings that begin before "
                      "it; latencies are times after the stimulus"}),
         of_file({.path = "data.window_ms",
                  .field = at<&Config::data, &DataConfig::window_ms>,
                  .range = {-1000, 10000},
                  .unit = "ms",
                  .allowed = "from and to; with csv or npz only",
                  .meaning = "the part of every recording that is kept, in times after the stimulus"}),
         column("patient_id", at<&Config::data, &DataConfig::columns, &ColumnNames::patient_id>,
                "the file's column of the patient"),
         column("ear", at<&Config::data, &DataConfig::columns, &ColumnNames::ear>, "… of the ear"),
         column("age_years", at<&Config::data, &DataConfig::columns, &ColumnNames::age_years>,
                "… of the age (years)"),
         column("intensity_db", at<&Config::data, &DataConfig::columns, &ColumnNames::intensity_db>,
                "… of the stimulus level (dB nHL)"),
         column("rate_hz", at<&Config::data, &DataConfig::columns, &ColumnNames::rate_hz>,
                "… of the stimulus rate (1/s)"),
         column("fmp", at<&Config::data, &DataConfig::columns, &ColumnNames::fmp>,
                "… of the variance ratio Fmp")});
    for_each_component([&]<Component c>(ComponentConstant<c>) {
        if (!has_label_column(c)) return;
        const Task& task = task_of(c);
        const std::string unit =
            task.display_unit.empty() ? std::string() : fmt::format(" ({})", task.display_unit);
        keys.push_back(
            column(task.label_column, label_column<c>, fmt::format("… of the {}{}", task.description, unit)));
    });
    keys.push_back(column("sample_interval_ms",
                          at<&Config::data, &DataConfig::columns, &ColumnNames::sample_interval_ms>,
                          "… of the sample interval (ms)"));
    const auto samples = [&](std::string name, Field prefix, Field first, Field count) {
        const std::string path = "data.columns." + name;
        keys.push_back({.path = path + ".prefix",
                        .field = std::move(prefix),
                        .allowed = "may be empty; with csv only",
                        .meaning = "what stands before the number in the names of the sample columns",
                        .present = reads_csv});
        keys.push_back({.path = path + ".first",
                        .field = std::move(first),
                        .range = {0, 1e6},
                        .meaning = "number of the first sample column",
                        .present = reads_csv});
        keys.push_back({.path = path + ".count",
                        .field = std::move(count),
                        .range = {0, 1e5},
                        .unit = "samples",
                        .meaning = "sample columns; 0 = as many as the header has",
                        .present = reads_csv});
    };
    samples("signal", at<&Config::data, &DataConfig::columns, &ColumnNames::signal, &SampleColumns::prefix>,
            at<&Config::data, &DataConfig::columns, &ColumnNames::signal, &SampleColumns::first>,
            at<&Config::data, &DataConfig::columns, &ColumnNames::signal, &SampleColumns::count>);
    samples("clean", at<&Config::data, &DataConfig::columns, &ColumnNames::clean, &SampleColumns::prefix>,
            at<&Config::data, &DataConfig::columns, &ColumnNames::clean, &SampleColumns::first>,
            at<&Config::data, &DataConfig::columns, &ColumnNames::clean, &SampleColumns::count>);
    keys.insert(
        keys.end(),
        {{.path = "data.class_aliases.<class>",
          .field = at<&Config::data, &DataConfig::class_aliases>,
          .allowed = "a list of names; with csv or npz only",
          .meaning = "what the file calls a class of `data.classes`"},
         {.path = "data.ear_aliases.<ear>",
          .field = at<&Config::data, &DataConfig::ear_aliases>,
          .allowed = "a list of names of `left` or `right`; with csv or npz only",
          .meaning =
              "what the file calls an ear, besides the usual names in English, French, German, Italian, "
              "Spanish, Turkish and Latin"},
         {.path = "data.missing_in.<column>",
          .field = at<&Config::data, &DataConfig::missing_in>,
          .allowed = "a list of text; with csv or npz only",
          .meaning = "cells that stand for nothing measured, as `data.missing`, in one column of the file"},
         {.path = "data.filters.<column>",
          .field = RowFilterField{},
          .allowed = "a value, or a table of `less_than`, `greater_than`, `at_least`, `at_most` (numbers), "
                     "`one_of` (a list), `not`; with csv or npz only",
          .meaning = "keeps the rows whose cell in the file's column passes; a filtered row is no bad row"},
         {.path = "data.synthetic.preset",
          .field = choice<at<&Config::data, &DataConfig::synthetic, &SyntheticConfig::preset>>({"A", "B"}),
          .meaning = "A: 20 kHz, 0 – 10 ms, clicks only; B: 10 kHz, 0 – 20 ms"},
         {.path = "data.synthetic.patients",
          .field = at<&Config::data, &DataConfig::synthetic, &SyntheticConfig::patients>,
          .range = {kFewestCohortPatients, kMostCohortPatients},
          .unit = "patients",
          .meaning = "size of the cohort, about 25 recordings each"},
         {.path = "data.synthetic.seed",
          .field = at<&Config::data, &DataConfig::synthetic, &SyntheticConfig::seed>,
          .default_text = "`run.seed`",
          .meaning = "seed of the cohort"}});
}

}  // namespace abr
